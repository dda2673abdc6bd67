import { defineConfig } from 'vite';

/** The desk's page: one static bundle that the desk's server hands out under a strict Content-Security-Policy. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    // Everything comes from files: an inlined asset would be a data: URL, which the policy allows for images only.
    assetsInlineLimit: 0,
    // The Block Kit library alone weighs about 930 kB (emoji and markdown tables); it is a chunk of its own.
    chunkSizeWarningLimit: 1000,
  },
});
