// What the service of the demos knows: how long the longest day is at a place.

/** Hours from sunrise to sunset at the June solstice, when the sun stands 23.44° north of the equator. */
export function longestDay(latitude: number): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const cosine = -Math.tan(radians(latitude)) * Math.tan(radians(23.44));
  return Number(((24 / Math.PI) * Math.acos(Math.max(-1, Math.min(1, cosine)))).toFixed(2));
}
