import { escapeHtml, formatMoney, formatMonth } from './format.js';
import { totals } from './reports.js';

const COLUMNS = ['Title', 'Owner', 'Month', 'Items', 'Amount'];

function renderRow(report) {
  const cells = [
    escapeHtml(report.title),
    escapeHtml(report.owner),
    formatMonth(report.month),
    String(report.items),
    formatMoney(report.amountCents),
  ];
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function renderActions() {
  return '<nav class="actions"><a href="/">All reports</a></nav>';
}

/** The reports page as HTML text. */
export function renderPage(reports) {
  const sum = totals(reports);
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head><meta charset="utf-8"><title>Reports</title></head>',
    '<body>',
    '<h1>Reports</h1>',
    renderActions(),
    '<table>',
    `<thead><tr>${COLUMNS.map((name) => `<th>${name}</th>`).join('')}</tr></thead>`,
    `<tbody>${reports.map(renderRow).join('')}</tbody>`,
    `<tfoot><tr><td colspan="3">${sum.count} reports</td><td>${sum.items}</td><td>${formatMoney(sum.amountCents)}</td></tr></tfoot>`,
    '</table>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}
