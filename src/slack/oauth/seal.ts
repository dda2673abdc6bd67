import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';

/** AES-256-GCM, as NIST SP 800-38D has it: a fresh nonce of 96 bits for each sealing, a tag of 128. */
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const keySchema = z
  .string()
  .regex(/^[\w-]{1,40}:[A-Za-z0-9+/]{43}=$/)
  .transform((text) => {
    const at = text.indexOf(':');
    return { id: text.slice(0, at), key: Buffer.from(text.slice(at + 1), 'base64') };
  })
  .refine(({ key }) => key.length === KEY_BYTES);

/** What was sealed, and with which key. */
export interface Sealed {
  readonly keyId: string;
  readonly sealed: string;
}

/**
 * Keys by name; the first one seals, all of them open. To change the key, put a new one first: what others sealed is
 * sealed anew at the next start, and after that they can go.
 */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, Buffer>;
  /** The key that seals. */
  readonly current: string;

  private constructor(keys: ReadonlyMap<string, Buffer>, current: string) {
    this.#keys = keys;
    this.current = current;
  }

  /** @param text `name:key` with 32 bytes in base64, several with commas; null when it cannot be read */
  static parse(text: string): KeyRing | null {
    const parsed = z
      .array(keySchema)
      .min(1)
      .safeParse(text.split(',').map((each) => each.trim()));
    const [first] = parsed.data ?? [];
    if (parsed.data === undefined || first === undefined) return null;
    const keys = new Map(parsed.data.map(({ id, key }) => [id, key]));
    return keys.size === parsed.data.length ? new KeyRing(keys, first.id) : null;
  }

  /** @param owner what it belongs to: it opens for nothing else, so a row cannot be given another's secret */
  seal(text: string, owner: string): Sealed {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key(this.current), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(owner));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    const sealed = Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
    return { keyId: this.current, sealed };
  }

  /** @throws when the key is not there, or anything of it was changed */
  open({ keyId, sealed }: Sealed, owner: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('What was sealed is cut');
    const decipher = createDecipheriv(CIPHER, this.#key(keyId), bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(owner));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  }

  #key(id: string): Buffer {
    const key = this.#keys.get(id);
    if (key === undefined) throw new Error(`There is no key called ${id}`);
    return key;
  }
}
