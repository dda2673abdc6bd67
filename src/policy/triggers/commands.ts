import { globMatches } from '../../domain/glob.ts';
import { DEPLOY_SCRIPT, DEPLOYS, DROPS, RISKS, RUNS_SCRIPTS } from './command-tables.ts';
import { commandsIn, isInterpreter, plain, programOf } from './shell-words.ts';

/** Options with which interpreters take their code from the line: `-e`, `-ne`, `-Ic`, `--eval=…`. */
const INLINE = /^(-[a-zA-Z0-9.]*[ecE]|-[pr]|--(eval|print|exec|command|run)(=.*)?|eval)$/s;
/** Settings by which git begins programs of somebody else's choice. */
const GIT_RUNS =
  /^(--config-env=)?(alias\.[^=]*=\s*!|core\.(pager|editor|sshcommand|fsmonitor|hookspath|askpass|gitproxy)=|[^=]*\.(pager|editor|textconv|command)=)/i;

/** Why a command puts something before users; null: it does not. @param patterns beside the known ones */
export function deployOf(argv: readonly string[], patterns: readonly string[]): string | null {
  const { commands, hidden } = commandsIn(argv);
  for (const { words, guessed } of commands) {
    const clean = words.map(plain);
    const known = DEPLOYS.find((each) => !(guessed && each.length === 1) && begins(clean, each));
    if (known !== undefined) return `\`${known.join(' ')}\` puts something before users`;
    const pattern = matching(clean, patterns);
    if (pattern !== undefined) return `matches "${pattern}"`;
    const [head = '', ...rest] = clean;
    const script =
      RUNS_SCRIPTS.has(programOf(head)) && !guessed
        ? rest.find((word) => DEPLOY_SCRIPT.test(word))
        : undefined;
    if (script !== undefined) return `"${script}" is called a deployment`;
    if (!guessed && head.includes('/') && DEPLOY_SCRIPT.test(programOf(head)))
      return `"${programOf(head)}" is called a deployment`;
  }
  // What cannot be told may be one: whoever hides a command would hide this.
  return hidden;
}

/** Why a command is risky; null: it is not. @param patterns beside the known ones */
export function riskOf(argv: readonly string[], patterns: readonly string[]): string | null {
  const line = argv.join(' ');
  if (DROPS.test(line.replace(/\/\*[\s\S]*?\*\//g, ' '))) return 'it drops or empties tables';
  const { commands, hidden } = commandsIn(argv);
  if (hidden !== null) return hidden;
  const programs = new Set(commands.map(({ words }) => programOf(words[0] ?? '')));
  for (const { words, guessed } of commands) {
    const clean = words.map(plain);
    const why = guessed ? null : ownRisk(clean, words);
    if (why !== null) return why;
    const known = RISKS.find(([, each]) => !(guessed && each.length === 1) && begins(clean, each));
    if (known !== undefined) return known[0];
    const pattern = matching(clean, patterns);
    if (pattern !== undefined) return `matches "${pattern}"`;
  }
  const fetches = programs.has('curl') || programs.has('wget');
  return fetches && /\|\s*(sudo\s+)?[\w/]*sh\b|\bchmod\s+\S*x/.test(line)
    ? 'it runs what it downloads'
    : null;
}

/** What makes a program risky by itself, whatever it is told to do. */
function ownRisk(clean: readonly string[], words: readonly string[]): string | null {
  const [head = '', ...rest] = clean;
  const name = programOf(head);
  if (['sudo', 'doas', 'su', 'runuser', 'pkexec'].includes(name)) return 'it acts as another user';
  if (isInterpreter(name) && rest.some((word) => INLINE.test(word)))
    return 'it runs code written on its line';
  if (/^(pwsh|powershell)$/i.test(name) && rest.some((word) => /^[-/]e(c|nc\w*)?$/i.test(word)))
    return 'it runs code written on its line';
  if (/^[gmn]?awk$/.test(name) && words.some((word) => /system\s*\(|\|\s*(getline|")|\|&/.test(word)))
    return 'it runs code written on its line';
  if (name !== 'git') return null;
  if (rest.some((word) => GIT_RUNS.test(word))) return 'it makes git run something else';
  return rest.includes('push') && rest.some((word) => /^[+:]./.test(word))
    ? 'it rewrites shared history'
    : null;
}

/** Program first, then each word somewhere after the one before; `-rf` holds `-r` and `-f`. */
function begins(words: readonly string[], known: readonly string[]): boolean {
  const [program = '', ...rest] = known;
  const [head = '', ...others] = words;
  const name = programOf(head);
  if (name !== program && !(program === 'mkfs' && name.startsWith('mkfs.'))) return false;
  return rest.every((word) => others.some((other) => same(other, word)));
}

function same(word: string, known: string): boolean {
  if (word === known || word.startsWith(`${known}=`)) return true;
  if (known === '--force') return word.startsWith('--force');
  if (known === '--delete') return word.startsWith('--del');
  if (known === '777') return /^[0-7]?777$/.test(word);
  const letter = /^-([a-zA-Z])$/.exec(known)?.[1];
  if (letter === undefined) return false;
  const long = { r: '--recursive', R: '--recursive', f: '--force' }[letter];
  const cluster = /^-[a-zA-Z]+$/.test(word);
  if (letter === 'D' || letter === 'd') return cluster && word.includes(letter);
  return word === long || (cluster && word.toLowerCase().includes(letter.toLowerCase()));
}

/** A pattern of commands has no folders: its `*` means anything. */
function matching(clean: readonly string[], patterns: readonly string[]): string | undefined {
  const flat = (text: string): string => text.replaceAll('/', '\u0001');
  const line = flat(clean.join(' '));
  return patterns.find((each) => globMatches(flat(each), line));
}
