import { isJson, type Json } from '../json.ts';

/** Collects faults as Slack words them, each with a JSON pointer. */
export type Faults = { add(message: string, pointer: string): void };

/** Checks one value at a place in the payload. */
export type Check = (value: unknown, pointer: string, faults: Faults) => void;

export type Fields = Readonly<Record<string, Check>>;

type TextLimits = Readonly<{ min?: number; max?: number; pattern?: RegExp }>;

/** A string. Lengths are UTF-16 units, which errs towards refusing. */
export function text({ min = 1, max = Number.POSITIVE_INFINITY, pattern }: TextLimits = {}): Check {
  return (value, pointer, faults) => {
    if (typeof value !== 'string') return faults.add('must be a string', pointer);
    if (value.length < min) faults.add(`must be more than ${min - 1} characters`, pointer);
    if (value.length > max) faults.add(`must be less than ${max + 1} characters`, pointer);
    if (pattern !== undefined && !pattern.test(value)) faults.add('invalid format', pointer);
  };
}

/** A whole number within bounds, both included. */
export function integer(min: number, max: number): Check {
  return (value, pointer, faults) => {
    if (typeof value !== 'number' || !Number.isInteger(value))
      return faults.add('must be an integer', pointer);
    if (value < min || value > max) faults.add(`must be between ${min} and ${max}`, pointer);
  };
}

/** Any finite number. */
export const number: Check = (value, pointer, faults) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) faults.add('must be a number', pointer);
};

export const bool: Check = (value, pointer, faults) => {
  if (typeof value !== 'boolean') faults.add('must be a boolean', pointer);
};

/** One of a closed list of words. */
export function oneOf(...allowed: readonly (string | number)[]): Check {
  return (value, pointer, faults) => {
    const known = (typeof value === 'string' || typeof value === 'number') && allowed.includes(value);
    if (!known) faults.add(`must be one of: ${allowed.join(', ')}`, pointer);
  };
}

type ListLimits = Readonly<{ min?: number; max?: number }>;

export function list(item: Check, { min = 1, max = Number.POSITIVE_INFINITY }: ListLimits = {}): Check {
  return (value, pointer, faults) => {
    if (!Array.isArray(value)) return faults.add('must be an array', pointer);
    if (value.length < min) faults.add(`no less than ${min} items allowed`, pointer);
    if (value.length > max) faults.add(`no more than ${max} items allowed`, pointer);
    for (const [index, entry] of value.entries()) item(entry, `${pointer}/${index}`, faults);
  };
}

/** An object with these fields and no others: Slack refuses a field it does not know. */
export function object(required: Fields, optional: Fields = {}, extra?: Check): Check {
  return (value, pointer, faults) => {
    if (!isJson(value)) return faults.add('must be an object', pointer);
    for (const key of Object.keys(required)) {
      if (value[key] === undefined) faults.add(`missing required field: ${key}`, pointer);
    }
    for (const [key, entry] of Object.entries(value)) {
      const check = lookUp(required, key) ?? lookUp(optional, key);
      if (check === undefined) faults.add(`invalid additional property: ${key}`, pointer);
      else if (entry !== undefined) check(entry, `${pointer}/${key}`, faults);
    }
    extra?.(value, pointer, faults);
  };
}

function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** An object whose `type` decides which check applies. */
export function byType(table: Readonly<Record<string, Check>>): Check {
  return (value, pointer, faults) => {
    if (!isJson(value)) return faults.add('must be an object', pointer);
    const type = value['type'];
    if (type === undefined) return faults.add('missing required field: type', pointer);
    if (typeof type !== 'string') return faults.add('must be a string', `${pointer}/type`);
    const check = lookUp(table, type);
    if (check === undefined) return faults.add(`unsupported type: ${type}`, `${pointer}/type`);
    check(value, pointer, faults);
  };
}

/** Faults unless the condition holds. */
export function rule(holds: (value: Json) => boolean, message: string): Check {
  return (value, pointer, faults) => {
    if (isJson(value) && !holds(value)) faults.add(message, pointer);
  };
}

/** Applies several checks to one value. */
export function all(...checks: readonly Check[]): Check {
  return (value, pointer, faults) => {
    for (const check of checks) check(value, pointer, faults);
  };
}

/** Any value of a field whose content the desk does not look at. */
export const anything: Check = () => {};
