// The service that the page calls, and what the page's own server says about it.
import cities from 'city-timezones';
import type { Connect, Plugin } from 'vite';
import { longestDay } from '../daylight.ts';
import { type LimitedApi, startLimitedApi } from '../limited-api.ts';

/** A city to ask for. */
export interface City {
  id: number;
  city: string;
  country: string;
  lat: number;
}

/** Where the service is, how much it lets through, and for how many cities it can be asked. */
export interface ServiceInfo {
  urls: readonly string[];
  rps: number;
  cities: number;
}

/** A service on ports of its own, as a real one is: another origin, with a limit and a few errors. */
export interface Service {
  api: LimitedApi;
  info: ServiceInfo;
  limit(rps: number): void;
}

export async function startService({
  cities = 2000,
  rps = 60,
  errorRate = 0.12,
  latency = 300,
} = {}): Promise<Service> {
  const api = await startLimitedApi({
    rps,
    errorRate,
    latency: { median: latency, spread: 0.5 },
    ports: 8,
    cors: true,
    answer: ({ query }) => ({ hours: longestDay(Number(query.get('lat'))) }),
  });
  const info = { urls: api.urls, rps, cities };
  return {
    api,
    info,
    limit(changed) {
      info.rps = changed;
      api.limit(changed);
    },
  };
}

function listCities(count: number): City[] {
  return cities.cityMapping.slice(0, count).map(({ city, country, lat }, id) => ({ id, city, country, lat }));
}

/** `/service`: where it is. `/service/cities`: the inputs. `POST /service/limit?rps=30`: another limit from now on. */
export function servicePlugin(service: Service): Plugin {
  const answer: Connect.NextHandleFunction = (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const rps = Number(searchParams.get('rps'));
    if (pathname === '/limit' && request.method === 'POST' && rps >= 1) service.limit(rps);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(pathname === '/cities' ? listCities(service.info.cities) : service.info));
  };
  return {
    name: 'service',
    configureServer: ({ middlewares }) => void middlewares.use('/service', answer),
    configurePreviewServer: ({ middlewares }) => void middlewares.use('/service', answer),
  };
}
