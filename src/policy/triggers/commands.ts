import { globMatches } from '../glob.ts';

/** Programs that only begin another one. */
const WRAPPERS = new Set([
  'sudo',
  'doas',
  'env',
  'nohup',
  'time',
  'nice',
  'xargs',
  'exec',
  'command',
  'npx',
  'bunx',
  'pnpx',
  'timeout',
  'stdbuf',
  'setsid',
  'busybox',
]);
const SHELLS = new Set([
  'sh',
  'bash',
  'zsh',
  'dash',
  'ksh',
  'ash',
  'fish',
  'pwsh',
  'powershell',
  'cmd',
  'eval',
]);
const INTERPRETERS = new Set([
  'node',
  'deno',
  'bun',
  'python',
  'python2',
  'python3',
  'perl',
  'ruby',
  'php',
  'lua',
  'osascript',
]);
const INLINE = new Set(['-e', '-c', '-p', '-r', '--eval', '--print', 'eval']);

/** What puts something before users, by its words in their order. */
const DEPLOYS: readonly (readonly string[])[] = [
  ['kubectl', 'apply'],
  ['kubectl', 'create'],
  ['kubectl', 'replace'],
  ['kubectl', 'rollout'],
  ['kubectl', 'set'],
  ['kubectl', 'patch'],
  ['kubectl', 'scale'],
  ['kubectl', 'delete'],
  ['helm', 'install'],
  ['helm', 'upgrade'],
  ['helm', 'rollback'],
  ['helm', 'uninstall'],
  ['terraform', 'apply'],
  ['terraform', 'destroy'],
  ['tofu', 'apply'],
  ['tofu', 'destroy'],
  ['pulumi', 'up'],
  ['pulumi', 'destroy'],
  ['cdk', 'deploy'],
  ['serverless', 'deploy'],
  ['sls', 'deploy'],
  ['sam', 'deploy'],
  ['eb', 'deploy'],
  ['fly', 'deploy'],
  ['flyctl', 'deploy'],
  ['vercel', '--prod'],
  ['vercel', 'deploy'],
  ['netlify', 'deploy'],
  ['firebase', 'deploy'],
  ['wrangler', 'deploy'],
  ['wrangler', 'publish'],
  ['gcloud', 'deploy'],
  ['az', 'deployment'],
  ['aws', 'deploy'],
  ['aws', 's3', 'sync'],
  ['aws', 'ecs', 'update-service'],
  ['aws', 'lambda', 'update-function-code'],
  ['heroku', 'container:release'],
  ['git', 'push', 'heroku'],
  ['cap', 'deploy'],
  ['ansible-playbook'],
  ['docker', 'push'],
  ['docker', 'stack', 'deploy'],
  ['podman', 'push'],
  ['npm', 'publish'],
  ['pnpm', 'publish'],
  ['yarn', 'publish'],
  ['yarn', 'npm', 'publish'],
  ['cargo', 'publish'],
  ['twine', 'upload'],
  ['gem', 'push'],
  ['mvn', 'deploy'],
  ['gradle', 'publish'],
  ['gh', 'release', 'create'],
  ['gh', 'workflow', 'run'],
  ['argocd', 'app', 'sync'],
  ['skaffold', 'run'],
  ['nomad', 'job', 'run'],
];
/** Scripts called so by their own authors: `npm run deploy:prod`, `make release`, `./deploy.sh`. */
const DEPLOY_SCRIPT = /(^|[/:_.-])(deploy|release|publish|ship|promote|rollout)([:_.-]|$)/i;
const RUNS_SCRIPTS = new Set([
  'npm',
  'pnpm',
  'yarn',
  'bun',
  'make',
  'just',
  'task',
  'rake',
  'gradle',
  'gradlew',
  'mvn',
  'composer',
  'poe',
  'nox',
  'invoke',
  'deno',
  'turbo',
  'nx',
]);

/** What cannot be undone, or reaches past what it was given. */
const RISKS: readonly (readonly [string, readonly string[]])[] = [
  ['it deletes whole folders', ['rm', '-r']],
  ['it deletes whole folders', ['rm', '-f']],
  ['it rewrites shared history', ['git', 'push', '--force']],
  ['it rewrites shared history', ['git', 'push', '-f']],
  ['it rewrites shared history', ['git', 'push', '--mirror']],
  ['it deletes a shared branch', ['git', 'push', '--delete']],
  ['it throws work away', ['git', 'reset', '--hard']],
  ['it throws work away', ['git', 'clean']],
  ['it rewrites history', ['git', 'filter-branch']],
  ['it rewrites history', ['git', 'filter-repo']],
  ['it writes to devices', ['dd']],
  ['it makes a file system', ['mkfs']],
  ['it opens files to everybody', ['chmod', '777']],
  ['it opens files to everybody', ['chmod', '-R']],
  ['it changes owners', ['chown', '-R']],
  ['it ends processes', ['pkill']],
  ['it ends processes', ['killall']],
  ['it stops the machine', ['shutdown']],
  ['it stops the machine', ['reboot']],
  ['it deletes', ['shred']],
  ['it deletes', ['truncate']],
  ['it deletes', ['find', '-delete']],
  ['it drops a database', ['dropdb']],
  ['it removes containers and data', ['docker', 'system', 'prune']],
  ['it removes containers and data', ['docker', 'volume', 'rm']],
  ['it changes packages of the machine', ['apt-get']],
  ['it changes packages of the machine', ['apt']],
  ['it changes packages of the machine', ['yum']],
  ['it changes packages of the machine', ['brew', 'uninstall']],
  ['it changes when things run', ['crontab']],
];
const DROPS = /\b(drop\s+(table|database|schema)|truncate\s+table|delete\s+from\s+\S+\s*(;|$))/i;

/** Shells within shells that are looked into. */
const DEEPEST = 8;

/** The commands that one line stands for: behind wrappers, in a shell's text, in a pipe. */
export function commandsIn(argv: readonly string[]): string[][] {
  const found: string[][] = [];
  const seen = new Set<string>();
  const look = (words: readonly string[], depth: number): void => {
    // The same words mean the same wherever they are met: a line of a hundred "sudo" is looked at once each.
    const key = words.join('\0');
    if (words.length === 0 || depth > DEEPEST || seen.has(key)) return;
    seen.add(key);
    found.push([...words]);
    const [head = '', ...rest] = words.map(plain);
    const name = baseName(head);
    if (SHELLS.has(name)) {
      // Every argument may be the script: options of a shell come in many spellings.
      for (const word of words.slice(1)) for (const line of linesOf(word)) look(line, depth + 1);
    } else if (WRAPPERS.has(name) || /^\w+=/.test(head)) {
      // Where the wrapped command begins cannot be told from options with values: each word may be it.
      for (let i = 0; i < rest.length; i += 1) look(words.slice(i + 1), depth);
    }
    if (name === 'find' || name === 'fd' || name === 'parallel' || name === 'watch' || name === 'ssh')
      for (let i = 1; i < words.length; i += 1)
        for (const line of linesOf(words.slice(i).join(' '))) found.push(line);
  };
  look(argv, 0);
  return found;
}

/** Why a command puts something before users; null: it does not. @param patterns beside the known ones */
export function deployOf(argv: readonly string[], patterns: readonly string[]): string | null {
  for (const words of commandsIn(argv)) {
    const clean = words.map(plain);
    const known = DEPLOYS.find((each) => begins(clean, each));
    if (known !== undefined) return `\`${known.join(' ')}\` puts something before users`;
    const [head = '', ...rest] = clean;
    const script = RUNS_SCRIPTS.has(baseName(head))
      ? rest.find((word) => DEPLOY_SCRIPT.test(word))
      : undefined;
    if (script !== undefined) return `"${script}" is called a deployment`;
    if (head.includes('/') && DEPLOY_SCRIPT.test(baseName(head)))
      return `"${baseName(head)}" is called a deployment`;
    const pattern = patterns.find((each) =>
      globMatches(loose(each), clean.join(' ').replaceAll('/', '\u0001')),
    );
    if (pattern !== undefined) return `matches "${pattern}"`;
  }
  return null;
}

/** Why a command is risky; null: it is not. @param patterns beside the known ones */
export function riskOf(argv: readonly string[], patterns: readonly string[]): string | null {
  if (DROPS.test(argv.join(' '))) return 'it drops or empties tables';
  for (const words of commandsIn(argv)) {
    const clean = words.map(plain);
    const [head = '', ...rest] = clean;
    const name = baseName(head);
    if (name === 'sudo' || name === 'doas' || name === 'su') return 'it acts as another user';
    if (INTERPRETERS.has(name) && rest.some((word) => INLINE.has(word)))
      return 'it runs code written on its line';
    const known = RISKS.find(([, each]) => begins(clean, each));
    if (known !== undefined) return known[0];
    if ((name === 'curl' || name === 'wget') && argv.join(' ').match(/\|\s*(sudo\s+)?\w*sh\b/) !== null)
      return 'it runs what it downloads';
    const pattern = patterns.find((each) =>
      globMatches(loose(each), clean.join(' ').replaceAll('/', '\u0001')),
    );
    if (pattern !== undefined) return `matches "${pattern}"`;
  }
  return null;
}

/** Program first, then each word somewhere after the one before; `-rf` holds `-r` and `-f`. */
function begins(words: readonly string[], known: readonly string[]): boolean {
  const [program = '', ...rest] = known;
  const [head = '', ...others] = words;
  const name = baseName(head);
  if (name !== program && !(program === 'mkfs' && name.startsWith('mkfs.'))) return false;
  return rest.every((word) => others.some((other) => same(other, word)));
}

function same(word: string, known: string): boolean {
  if (word === known || word.startsWith(`${known}=`)) return true;
  if (known === '--force') return word.startsWith('--force');
  if (known === '777') return /^[0-7]?777$/.test(word);
  const letter = /^-([a-zA-Z])$/.exec(known)?.[1];
  if (letter === undefined) return false;
  const long = { r: '--recursive', R: '--recursive', f: '--force' }[letter];
  return word === long || (/^-[a-zA-Z]+$/.test(word) && word.toLowerCase().includes(letter.toLowerCase()));
}

/** A pattern of commands has no folders: its `*` means anything. */
function loose(pattern: string): string {
  return pattern.replaceAll('/', '\u0001');
}

function baseName(word: string): string {
  return word
    .slice(Math.max(word.lastIndexOf('/'), word.lastIndexOf('\\')) + 1)
    .replace(/\.(exe|cmd|bat)$/i, '');
}

/** Quotes and backslashes within a word change nothing for a shell. */
function plain(word: string): string {
  return word.replace(/["'\\]/g, '');
}

/** The commands of a shell's text, roughly: what stands between `;`, `&`, `|`, line breaks and brackets. */
function linesOf(text: string): string[][] {
  return text
    .replace(/\$\{?IFS\}?/g, ' ')
    .split(/[;&|\n(){}`]|\$\(/)
    .map((line) => line.trim().split(/\s+/).filter(Boolean))
    .filter((line) => line.length > 0);
}
