import { type Config, readConfig } from '../config/config.ts';

/** The one place that hands the environment over. */
export function configFromEnvironment(): Config {
  // biome-ignore lint/style/noProcessEnv: read once here, parsed in config.ts, passed on as data
  return readConfig(process.env);
}
