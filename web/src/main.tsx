import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Problem } from './api'
import './styles.css'
import { App } from './ui/App'
import { TicketStore } from './live/tickets'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // The last answer stays while a new one is fetched, and when it does not come.
      placeholderData: (previous: unknown) => previous,
      retry: (count, error) => count < 2 && error instanceof Problem && (error.away || error.status >= 502),
    },
  },
})
const tickets = new TicketStore()
const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App store={tickets} />
    </QueryClientProvider>
  </StrictMode>,
)

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  void navigator.serviceWorker.register('/sw.js').catch(() => {
    // Without it the app works, only not offline (private windows, plain http).
  })
}
