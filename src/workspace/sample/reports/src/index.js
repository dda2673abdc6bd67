import { renderPage } from './page.js';
import { listReports } from './reports.js';

function filterOf(search) {
  const filter = {};
  if (search.has('owner')) filter.owner = search.get('owner');
  if (search.has('month')) filter.month = search.get('month');
  return filter;
}

/** Answers a path such as `/?owner=alice` with `{ status, headers, body }`. */
export function answer(path) {
  const url = new URL(path, 'http://localhost');
  const reports = listReports(filterOf(url.searchParams));
  if (url.pathname === '/') {
    return {
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: renderPage(reports),
    };
  }
  return { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'Not found\n' };
}
