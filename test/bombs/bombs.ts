/** A command that takes what it can get, and how it may end. */
export interface Bomb {
  readonly name: string;
  readonly argv: readonly string[];
  /** Milliseconds it is given; most would never end. */
  readonly timeoutMs: number;
}

const PATIENCE_MS = 5_000;
const sh = (name: string, script: string): Bomb => ({
  name,
  argv: ['sh', '-c', script],
  timeoutMs: PATIENCE_MS,
});
const node = (name: string, code: string): Bomb => ({
  name,
  argv: ['node', '-e', code],
  timeoutMs: PATIENCE_MS,
});

const HUGE = 'x'.repeat(100_000);

/** What a command of an agent might do to the machine, by mistake or on purpose. */
export const bombs: readonly Bomb[] = [
  sh('fork-bomb', 'f() { f | f & }; f; sleep 60'),
  sh('wide-forks', 'for i in $(seq 5000); do sleep 60 & done; wait'),
  node(
    'threads',
    "const{Worker}=require('worker_threads');for(let i=0;i<400;i++)new Worker('setInterval(()=>{},1e3)',{eval:true}).on('error',()=>{})",
  ),
  node('memory', 'const k=[];for(;;)k.push(Buffer.alloc(16<<20,1))'),
  node('heap', "const k=[];for(;;)k.push('x'.repeat(1000)+k.length)"),
  sh('memory-of-a-shell', 'tail /dev/zero'),
  sh(
    'memory-of-many',
    'for i in 1 2 3 4 5 6; do node -e "const k=[];setInterval(()=>k.push(Buffer.alloc(8<<20,1)),20)" & done; wait',
  ),
  sh('tmp-flood', 'dd if=/dev/zero of=/tmp/x bs=1M; sleep 60'),
  sh('shm-flood', 'dd if=/dev/zero of=/dev/shm/x bs=1M; sleep 60'),
  sh(
    'disk-flood',
    'for i in 1 2 3; do dd if=/dev/zero of=big-$i bs=1M count=1500; done; rm -f big-*; sleep 60',
  ),
  sh('disk-of-many-files', 'i=0; while [ $i -lt 12 ]; do fallocate -l 1000M f$i; i=$((i+1)); done; sleep 60'),
  node(
    'nameless-files',
    "const fs=require('fs'),c=require('child_process');for(let i=0;i<9;i++){const f=fs.openSync('n','w+');c.spawnSync('fallocate',['-l','900M','/proc/self/fd/3'],{stdio:['ignore','ignore','ignore',f]});fs.unlinkSync('n')}setInterval(()=>{},1e3)",
  ),
  node('folder-flood', "const fs=require('fs');for(let i=0;;i++)fs.mkdirSync('e'+i)"),
  sh(
    'dev-flood',
    'dd if=/dev/zero of=/dev/x bs=1M; i=0; while [ $i -lt 40 ]; do dd if=/dev/zero of=/dev/shm/x$i bs=1M count=900; i=$((i+1)); done; sleep 60',
  ),
  sh('file-flood', 'mkdir many; i=0; while [ $i -lt 20000 ]; do : > many/$i; i=$((i+1)); done; sleep 60'),
  sh('deep-folders', 'i=0; while [ $i -lt 900 ]; do mkdir d && cd d || break; i=$((i+1)); done; sleep 60'),
  sh('sparse-file', 'truncate -s 8T hole; truncate -s 900M hole2; sleep 60'),
  sh('output-flood', 'exec yes'),
  sh('error-flood', 'exec yes >&2'),
  sh('endless-line', 'exec cat /dev/zero'),
  node(
    'descriptor-flood',
    "const fs=require('fs');for(;;){try{fs.openSync('/dev/null')}catch{break}};setInterval(()=>{},1e3)",
  ),
  sh('hang', 'sleep 1000'),
  sh('ignores-term', "trap '' TERM INT HUP; while :; do sleep 1; done"),
  sh('stops-itself', 'kill -STOP $$'),
  sh('daemon', 'setsid sleep 1000 & exit 0'),
  sh('double-fork', '(setsid sh -c "setsid sleep 1000 &" &) ; exit 0'),
  sh('keeps-output-open', 'setsid sh -c "trap \\"\\" HUP TERM; while :; do sleep 1; done" & echo gone'),
  sh(
    'hidden-daemon',
    'setsid env -i sh -c "cd /; while :; do sleep 1; done" > /dev/null 2>&1 < /dev/null & sleep 0.3',
  ),
  node(
    'zombies',
    "const{spawn}=require('child_process');for(let i=0;i<200;i++)spawn('sh',['-c','(exit 0) & exec sleep 60']);setInterval(()=>{},1e3)",
  ),
  sh(
    'reads-proc',
    'cat /proc/*/environ /proc/*/mem /proc/*/maps /proc/kcore > /dev/null 2>&1; cat /proc/1/environ; ls /proc/*/fd > /dev/null 2>&1; exit 0',
  ),
  sh(
    'writes-memory',
    'for p in /proc/[0-9]*; do echo x > $p/mem; echo x > $p/oom_score_adj; done; echo b > /proc/sysrq-trigger; exit 0',
  ),
  sh('signals-everybody', 'kill -9 -1; kill -9 1; kill -9 $PPID; sleep 60'),
  sh(
    'signals-every-number',
    'i=2; while [ $i -lt 70000 ]; do [ $i = $$ ] || kill -9 $i; i=$((i+1)); done 2> /dev/null; sleep 60',
  ),
  {
    name: 'huge-arguments',
    argv: ['sh', '-c', 'x=$1; for i in 1 2 3 4 5; do x=$x$x; done; /bin/true "$x"; exit 0', 'sh', HUGE],
    timeoutMs: PATIENCE_MS,
  },
  node(
    'watch-flood',
    "const fs=require('fs');fs.mkdirSync('w');for(let i=0;i<5000;i++){fs.mkdirSync('w/'+i);try{fs.watch('w/'+i)}catch{break}};setInterval(()=>{},1e3)",
  ),
  node(
    'network',
    "const n=require('net');let d=0;for(const h of ['127.0.0.1','10.0.0.1','169.254.169.254','1.1.1.1','::1'])for(const p of [22,80,443,4390,3000])n.connect(p,h).on('error',()=>{if(++d===25)process.exit(0)}).on('connect',()=>process.exit(9))",
  ),
  sh(
    'rooms-of-its-own',
    'unshare -Urmp true; mount -t tmpfs x /mnt; chroot / true; nsenter -t 1 -a true; mknod dev b 8 0; exit 0',
  ),
  sh('busy', 'for i in 1 2 3 4 5 6 7 8; do sh -c "while :; do :; done" & done; wait'),
  sh('raises-limits', 'ulimit -n unlimited; ulimit -u unlimited; nice -n -20 sh -c "while :; do :; done"'),
  sh('removes-everything', 'rm -rf --no-preserve-root / 2> /dev/null; rm -rf .git; exit 0'),
  sh('waits-for-a-pipe', 'mkfifo p; cat p'),
  sh('dumps-core', 'kill -SEGV $$'),
];
