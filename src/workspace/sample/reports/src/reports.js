/** The report rows. Amounts are whole cents, months are `YYYY-MM`. */
const rows = [
  {
    id: 'travel-01',
    title: 'Travel, hotels and meals',
    owner: 'alice',
    month: '2026-01',
    items: 42,
    amountCents: 1284550,
  },
  { id: 'cloud-01', title: 'Cloud hosting', owner: 'bob', month: '2026-01', items: 7, amountCents: 903210 },
  {
    id: 'office-01',
    title: 'Office "extras"',
    owner: 'carol',
    month: '2026-01',
    items: 18,
    amountCents: 76495,
  },
  {
    id: 'travel-02',
    title: 'Travel, trains only',
    owner: 'alice',
    month: '2026-02',
    items: 12,
    amountCents: 214000,
  },
  { id: 'cloud-02', title: 'Cloud hosting', owner: 'bob', month: '2026-02', items: 9, amountCents: 955025 },
  {
    id: 'refunds-02',
    title: '-5% summer refunds',
    owner: 'dave',
    month: '2026-02',
    items: 3,
    amountCents: -45000,
  },
];

/** All reports, or those of one owner, one month, or both. */
export function listReports({ owner, month } = {}) {
  return rows.filter(
    (row) => (owner === undefined || row.owner === owner) && (month === undefined || row.month === month),
  );
}

/** One report by its id, or undefined. */
export function findReport(id) {
  return rows.find((row) => row.id === id);
}

/** Sums over the given reports. */
export function totals(reports) {
  return reports.reduce(
    (sum, row) => ({
      count: sum.count + 1,
      items: sum.items + row.items,
      amountCents: sum.amountCents + row.amountCents,
    }),
    { count: 0, items: 0, amountCents: 0 },
  );
}
