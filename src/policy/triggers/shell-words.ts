/** Programs that only begin another one. */
const WRAPPERS = new Set(
  'sudo doas env nohup time nice ionice xargs exec command builtin npx bunx pnpx timeout stdbuf setsid busybox flock chroot unshare taskset chrt strace ltrace runuser pkexec systemd-run'.split(
    ' ',
  ),
);
const SHELLS = new Set('sh bash zsh dash ksh mksh ash rbash fish pwsh powershell cmd eval'.split(' '));
/** Programs that run code: what they are given on their line, or in their input. */
const INTERPRETERS = new Set(
  'node nodejs deno bun python pypy perl ruby php lua luajit osascript tclsh Rscript'.split(' '),
);

/** Shells within shells that are looked into, and words of all of them together. */
const DEEPEST = 8;
const MOST_WORDS = 2_000;

/** One command. `guessed`: it is no more than words behind another program, which may begin them. */
export interface Command {
  readonly words: readonly string[];
  readonly guessed: boolean;
}

export interface Commands {
  readonly commands: readonly Command[];
  /** Why it cannot be told from its words what it runs. Null: it can. */
  readonly hidden: string | null;
}

interface Line {
  readonly words: readonly string[];
  readonly depth: number;
  readonly guessed: boolean;
  /** A line of its own, each of whose words may begin a command; not the end of another that was looked at so. */
  readonly whole: boolean;
}

const NOTHING: Line = { words: [], depth: 0, guessed: true, whole: false };

/**
 * The commands that one line stands for: behind wrappers, in a shell's text, in a pipe. Which word a wrapper begins
 * cannot be told from options with values, and programs that begin others are more than anybody could list: so every
 * word may be one. What a shell would only know when it runs is said to be hidden.
 */
export function commandsIn(argv: readonly string[]): Commands {
  const commands: Command[] = [];
  const seen = new Set<string>();
  const waiting: Line[] = [{ words: argv, depth: 0, guessed: false, whole: true }];
  let hidden: string | null = null;
  let looked = 0;
  for (let at = 0; at < waiting.length; at += 1) {
    const { words, depth, guessed, whole } = waiting[at] ?? NOTHING;
    // The same words mean the same wherever they are met.
    const key = `${guessed ? '?' : '!'}${whole ? '+' : '-'}${words.join('\0')}`;
    if (words.length === 0 || seen.has(key)) continue;
    seen.add(key);
    looked += words.length;
    if (depth > DEEPEST || words.length > MOST_WORDS || looked > MOST_WORDS * 50)
      return { commands, hidden: 'it is too long or too deep to be looked through' };
    commands.push({ words, guessed });
    const name = programOf(words[0] ?? '');
    if (SHELLS.has(name))
      // Every argument may be the script: options of a shell come in many spellings.
      for (const word of words.slice(1)) {
        hidden ??= hiddenIn(word);
        for (const inner of linesOf(word)) {
          hidden ??= hiddenHead(inner);
          waiting.push({ words: inner, depth: depth + 1, guessed, whole: true });
        }
      }
    const wraps = WRAPPERS.has(name) || /^\w+=/.test(words[0] ?? '');
    if (whole)
      for (let i = 1; i < words.length; i += 1)
        waiting.push({ words: words.slice(i), depth, guessed: guessed || !wraps, whole: wraps });
    // Words that are put together again to a line: `find -exec`, `ssh host "…"`, `su -c "…"`, `script -c "…"`.
    if (depth === 0)
      for (const word of words.slice(1))
        if (/[\s;&|]/.test(word))
          for (const inner of linesOf(word))
            waiting.push({ words: inner, depth: depth + 1, guessed: true, whole: true });
  }
  return { commands, hidden };
}

/** The name of a program: without its folder, quotes, ending and version. */
export function programOf(word: string): string {
  const bare = plain(word);
  const name = bare.slice(bare.lastIndexOf('/') + 1).replace(/\.(exe|cmd|bat)$/i, '');
  const unversioned = name.replace(/[\d.]+$/, '');
  return INTERPRETERS.has(unversioned) || SHELLS.has(unversioned) ? unversioned : name;
}

export function isInterpreter(name: string): boolean {
  return INTERPRETERS.has(name);
}

/** Quotes and backslashes within a word change nothing for a shell. */
export function plain(word: string): string {
  return word.replace(/["'\\]/g, '');
}

/** What a shell would have to run before anybody knew what it runs. */
function hiddenIn(text: string): string | null {
  const clean = joined(text);
  if (/(^|[;&|\n(]|\b(?:do|then|else|exec|command|env|sudo)\s)\s*["']*(\$\(|`)/.test(clean))
    return 'what it runs is the outcome of another command';
  return /(^|[;&|\n(])\s*\{[^\s{}]*,/.test(clean) ? 'what it runs is put together when it runs' : null;
}

/** A command whose program is a variable or a pattern, or that runs whatever is written to it. */
function hiddenHead(line: readonly string[]): string | null {
  const begin = line.findIndex(
    (word) => !/^\w+=/.test(word) && !word.startsWith('-') && !WRAPPERS.has(programOf(word)),
  );
  const head = line[begin] ?? '';
  if (/^["']*\$/.test(head) || /[*?[\]]/.test(head.replace(/^\[{1,2}$/, '')))
    return 'which program it runs is only known when it runs';
  const name = programOf(head);
  if (!SHELLS.has(name) && !INTERPRETERS.has(name)) return null;
  const given = line.slice(begin + 1);
  const options = SHELLS.has(name) ? /^-/ : /^-[a-zA-Z]?$/;
  const reads = given.includes('-') || given[0]?.startsWith('<') || given.every((word) => options.test(word));
  return reads ? 'it runs whatever is written to it' : null;
}

/** The commands of a shell's text, roughly: what stands between `;`, `&`, `|`, line breaks and brackets. */
function linesOf(text: string): string[][] {
  return joined(text)
    .split(/[;&|\n(){}`]|\$\(/)
    .map((line) => line.trim().split(/\s+/).filter(Boolean))
    .filter((line) => line.length > 0);
}

/** Lines that a backslash joins, and the shell's own word for a space. */
function joined(text: string): string {
  return text.replace(/\\\r?\n/g, '').replace(/\$\{?IFS[^}\s]*\}?/g, ' ');
}
