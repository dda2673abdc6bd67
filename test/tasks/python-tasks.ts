import { edit, patch, type RepairTask, write } from './repair.ts';

/** A file of unittest cases: python3 alone runs it. */
const cases = (from: string, names: string, ...checks: readonly string[]) =>
  [
    'import unittest',
    `from ${from} import ${names}`,
    '',
    '',
    'class Cases(unittest.TestCase):',
    ...checks.map((check, at) => `    def test_${at + 1}(self):\n        ${check}\n`),
    '',
    "if __name__ == '__main__':",
    '    unittest.main()',
    '',
  ].join('\n');

const unittest = ['python3', '-m', 'unittest', '-q'] as const;

/** Small repositories in Python, with unittest. */
export const pythonTasks: readonly RepairTask[] = [
  {
    id: 'py-default-list',
    defect: 'mutable default argument',
    test: unittest,
    files: {
      'cart.py': 'def add(item, items=[]):\n    items.append(item)\n    return items\n',
      'test_cart.py': cases(
        'cart',
        'add',
        "self.assertEqual(add('a'), ['a']); self.assertEqual(add('b'), ['b'])",
      ),
    },
    reads: ['cart.py'],
    fix: [
      edit(
        'cart.py',
        'def add(item, items=[]):\n',
        'def add(item, items=None):\n    items = [] if items is None else items\n',
      ),
    ],
  },
  {
    id: 'py-integer-division',
    defect: 'true division where whole numbers are meant',
    test: unittest,
    files: {
      'pages.py': 'def pages(count, size):\n    return count / size\n',
      'test_pages.py': cases(
        'pages',
        'pages',
        'self.assertEqual(pages(11, 5), 3)',
        'self.assertEqual(pages(10, 5), 2)',
      ),
    },
    reads: ['pages.py'],
    fix: [
      patch(
        '--- a/pages.py',
        '+++ b/pages.py',
        '@@ -1,2 +1,2 @@',
        ' def pages(count, size):',
        '-    return count / size',
        '+    return -(-count // size)',
      ),
    ],
  },
  {
    id: 'py-closure',
    defect: 'closure over a loop variable',
    test: unittest,
    files: {
      'steps.py': 'def adders(numbers):\n    return [lambda x: x + n for n in numbers]\n',
      'test_steps.py': cases(
        'steps',
        'adders',
        'self.assertEqual([f(10) for f in adders([1, 2, 3])], [11, 12, 13])',
      ),
    },
    reads: ['steps.py'],
    fix: [edit('steps.py', 'lambda x: x + n for', 'lambda x, n=n: x + n for')],
  },
  {
    id: 'py-encoding',
    defect: 'bytes taken for text',
    test: unittest,
    files: {
      'names.py': "def initials(data):\n    return ''.join(part[0] for part in str(data).split())\n",
      'test_names.py': cases(
        'names',
        'initials',
        "self.assertEqual(initials('Ünal Öz'.encode()), 'ÜÖ')",
        "self.assertEqual(initials('Ada Byron'), 'AB')",
      ),
    },
    reads: ['names.py', 'test_names.py'],
    fix: [
      write(
        'names.py',
        "def initials(data):\n    text = data.decode('utf-8') if isinstance(data, bytes) else data\n    return ''.join(part[0] for part in text.split())\n",
      ),
    ],
  },
  {
    id: 'py-package',
    defect: 'a name that moved, over two modules',
    test: unittest,
    files: {
      'shop/__init__.py': '',
      'shop/prices.py': 'def gross_price(net):\n    return round(net * 1.2, 2)\n',
      'shop/bill.py':
        'from shop.prices import gross\n\n\ndef total(items):\n    return sum(gross(item) for item in items)\n',
      'test_bill.py': cases('shop.bill', 'total', 'self.assertEqual(total([10, 5]), 18)'),
    },
    reads: ['shop/bill.py', 'shop/prices.py'],
    fix: [
      edit('shop/bill.py', 'from shop.prices import gross\n', 'from shop.prices import gross_price\n'),
      edit('shop/bill.py', 'sum(gross(item)', 'sum(gross_price(item)'),
    ],
  },
];
