// Fixed Merkle roots. The raw ones are the reference vectors of certificate-transparency; those of ids were made with
// node:crypto by the recursion of RFC 6962, section 2.1, and are never to change: they are task ids in databases.

/** Leaf data (hex) and the roots over the first 0, 1, … 8 of them. */
export const RAW_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
export const RAW_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** Ids and their root. */
export const ID_ROOTS: [what: string, ids: string[], root: string][] = [
  ['no ids', [], 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['the empty id', [''], '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['one id', ['a'], '022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c'],
  ['two ids', ['b', 'a'], 'b137985ff484fb600db93107c77b0365c80d78f5b429ded0fd97361d077999eb'],
  [
    'ids with repeats',
    ['b', 'a', 'c', 'b', 'a'],
    '36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1',
  ],
  // By code unit the emoji (d83d) comes before U+FB33; by UTF-8 byte it would come after.
  [
    'ids that bytes sort otherwise',
    ['\ufb33', '😀', 'é'],
    '55cbc05dd80a262435a287c63c61945bd778d6d11b2df68144380f95c9038c20',
  ],
  [
    '1,000 ids',
    Array.from({ length: 1000 }, (_, index) => `id-${index}`),
    '948e6c3d11b25b1348b7b8044fd904c38fc86739d190c6188f3d447534805a99',
  ],
];
