// What every screen shares: the view in the URL, the tickets, and the clock they are judged by.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query'
import type { Feature, Geometry } from 'geojson'
import { json } from '../api'
import type { Snapshot, TicketStore } from '../live/tickets'
import { clocksOf, type DatasetClocks, judge, type Rules, type Verdict } from '../model/freshness'
import type { Clocks } from '../model/sla'
import { type Dataset, type Ticket, ticketOf } from '../model/ticket'
import { type Mode, pathOf, type View, viewOf } from '../model/view'

export type Go = (change: Partial<View> | ((view: View) => Partial<View>), replace?: boolean) => void

const changed = 'fleettickets-view'

export function useUrl(): [View, Go] {
  const href = useSyncExternalStore(watchUrl, () => location.pathname + location.search)
  const view = useMemo(() => viewOf(new URL(href, location.origin)), [href])
  const go = useCallback<Go>((change, replace = false) => {
    const before = viewOf(new URL(location.href))
    const next = pathOf({ ...before, ...(typeof change === 'function' ? change(before) : change) })
    if (next === location.pathname + location.search) return
    if (replace) history.replaceState(null, '', next)
    else history.pushState(null, '', next)
    dispatchEvent(new Event(changed))
  }, [])
  return [view, go]
}

function watchUrl(listener: () => void): () => void {
  addEventListener('popstate', listener)
  addEventListener(changed, listener)
  return () => {
    removeEventListener('popstate', listener)
    removeEventListener(changed, listener)
  }
}

const TICK_MS = 15_000

// The instant everything is judged by: the slider's, or the server's now.
export function useClock(at: number | null, skewMs: number): number {
  const [tick, setTick] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => { setTick(Date.now()) }, TICK_MS)
    return () => { clearInterval(timer) }
  }, [])
  return at ?? tick + skewMs
}

export interface Past {
  tickets: readonly Ticket[]
  freshness: Record<Dataset, DatasetClocks>
}

interface Collection {
  features: Feature<Geometry | null>[]
  summary?: { freshness?: Record<string, unknown> }
}

// The tickets and the clocks as they stood at an instant of the past.
export function usePast(at: number | null, mode: Mode): UseQueryResult<Past> {
  return useQuery({
    queryKey: ['past', at, mode],
    enabled: at !== null,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<Past> => {
      const query = new URLSearchParams({ now: new Date(at ?? 0).toISOString() })
      if (mode === 'happened') query.set('mode', mode)
      const { features, summary } = await json<Collection>(`/webhook/tickets?${query.toString()}`, { signal })
      return {
        tickets: features.map((feature) => ticketOf(feature)),
        freshness: { inc: clocksOf(summary?.freshness?.inc), crq: clocksOf(summary?.freshness?.crq) },
      }
    },
  })
}

export interface Shared {
  view: View
  go: Go
  store: TicketStore
  live: Snapshot
  past: UseQueryResult<Past>
  // The clocks of what is shown: of now, or of the instant the slider is at.
  freshness: Record<Dataset, DatasetClocks>
  rules: Record<Dataset, Rules>
  now: number
  clocks: Clocks
  dark: boolean
}

export const SharedContext = createContext<Shared | null>(null)

export function useShared(): Shared {
  const shared = useContext(SharedContext)
  if (shared === null) throw new Error('useShared outside of the app')
  return shared
}

// The dataset whose clocks the header tells: the chosen one, or the one that is worse off.
export function headline({ freshness, rules, now }: Pick<Shared, 'freshness' | 'rules' | 'now'>, chosen: Dataset | null): { dataset: Dataset; verdict: Verdict } {
  const inc = judge(freshness.inc, rules.inc, now)
  const crq = judge(freshness.crq, rules.crq, now)
  const order = { ok: 0, warn: 1, error: 2 }
  const worseIsCrq = order[crq.level] > order[inc.level] && freshness.crq.fileTs !== null
  const dataset = chosen ?? (worseIsCrq ? 'crq' : 'inc')
  return { dataset, verdict: dataset === 'crq' ? crq : inc }
}
