import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { z } from 'zod';

// The page's policy forbids eval, which zod's compiled parsers would try before falling back.
z.config({ jitless: true });

const root = document.getElementById('root');
if (root !== null) {
  // Loaded after the line above, because zod decides when a schema is made.
  void Promise.all([import('./components/app.tsx'), import('./browser.ts')]).then(
    ([{ App }, { browserSession }]) => {
      const session = browserSession();
      session.start();
      createRoot(root).render(
        <StrictMode>
          <App session={session} />
        </StrictMode>,
      );
    },
  );
}
