// For processes of Baton that are started by the file: `node --import bin/load-stripped.mjs desk/main.ts`.
import { loadStripped } from './stripped.mjs';

loadStripped();
