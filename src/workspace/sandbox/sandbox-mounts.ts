import { lstat, readlink } from 'node:fs/promises';

/** Read-only and needed by ordinary programs: libraries, certificates, time zone, user names. */
export const SHOWN_ETC = [
  'alternatives',
  'ca-certificates',
  'ca-certificates.conf',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'pki',
  'ssl/certs',
  'ssl/openssl.cnf',
];

/** Beside /usr: links into it, or folders of their own. */
export const SYSTEM_FOLDERS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** /usr, and the folders beside it as the machine has them: links into /usr, or folders of their own. */
export async function systemMounts(): Promise<string[]> {
  const mounts = ['--ro-bind', '/usr', '/usr'];
  for (const folder of SYSTEM_FOLDERS) {
    const info = await lstat(folder).catch(() => null);
    if (info === null) continue;
    if (info.isSymbolicLink()) mounts.push('--symlink', await readlink(folder), folder);
    else mounts.push('--ro-bind', folder, folder);
  }
  for (const name of SHOWN_ETC) mounts.push('--ro-bind-try', `/etc/${name}`, `/etc/${name}`);
  return mounts;
}
