// What the screens ask the server beside the tickets themselves, and the shapes of the answers.
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import type { Feature, Geometry } from 'geojson'
import { useMemo } from 'react'
import { json } from '../api'
import type { Ticket } from '../model/ticket'
import type { Window } from '../model/view'
import { useShared } from '../ui/state'
import { keyOf } from '../model/ticket'
import { dateOf, DAY, startOfDate } from '../model/time'

interface Config {
  version: string
  basemap_url: string | null
  tiles_above: number
  demo: boolean
}

function useConfig(): UseQueryResult<Config> {
  return useQuery({ queryKey: ['config'], staleTime: Infinity, queryFn: () => json<Config>('/api/config') })
}

// Whether this server plays a demo.
export function useIsDemo(): boolean {
  return useConfig().data?.demo ?? false
}

// The configured ground; null: the built-in one; undefined until it is known.
export function useBasemap(): string | null | undefined {
  const { data, isError } = useConfig()
  return data === undefined ? (isError ? null : undefined) : data.basemap_url
}

export interface Mttr { n: number; missing: number; avg: number | null; median: number | null; p90: number | null }

export type Coverage = 'none' | 'partial' | 'full'

export interface Day {
  day: string
  created: number | null
  closed: number | null
  coverage: Coverage
}

type Groups = { open: Record<string, number>; closed: Record<string, number> | null }

export interface Metrics {
  open: number
  closed: number | null
  created: number | null
  closure_rate: number | null
  clearance: number | null
  within_48h: number | null
  mttr: Mttr | null
  ageing: Record<string, number>
  daily: Day[]
  flow: Record<string, number | null> | null
  repeat: { days: number; n: number; of: number } | null
  by_team: Groups | null
  nowcast: { expected_open: number | null; estimated: number } | null
  closed_sla_matrix: { source: string; derived: string; n: number }[] | null
}

export interface Span { window: Exclude<Window, 'last'>; from: string | null; to: string | null }

// The window as the server is asked for it: the last covered day has dates.
export function useSpan(): Span {
  const { view, clocks } = useShared()
  if (view.window !== 'last') return { window: view.window, from: view.from, to: view.to }
  const ends = clocks.contentAsOf[view.filter.dataset ?? 'inc']
  if (ends === null) return { window: 'today', from: null, to: null }
  const last = dateOf(ends - 1)
  return { window: 'custom', from: last, to: dateOf(startOfDate(last) + DAY) }
}

type Features = { features: Feature<Geometry | null>[] }

export interface Dashboard {
  now: string
  window: { name: string; from: string | null; to: string | null; coverage: Coverage }
  open: Features
  closed: Features | null
  metrics: Metrics
  freshness: Record<string, string | null>
}

// Asked again when the data changes, never by the clock alone.
export function useDashboard({ window, from, to }: Span, enabled = true): UseQueryResult<Dashboard> {
  const { view, live } = useShared()
  const { cluster, status } = view.filter
  return useQuery({
    queryKey: ['dashboard', window, from, to, cluster, status, view.at, view.mode, live.rev],
    enabled,
    queryFn: ({ signal }) => {
      const query = new URLSearchParams({ window })
      const put = (name: string, value: string | null): void => { if (value !== null) query.set(name, value) }
      if (window === 'custom') { put('from', from); put('to', to) }
      put('cluster', cluster)
      put('status', status)
      if (view.at !== null) { put('now', new Date(view.at).toISOString()); put('mode', view.mode === 'known' ? null : view.mode) }
      return json<Dashboard>(`/webhook/inc-dashboard?${query.toString()}`, { signal })
    },
  })
}

export interface Chance { still: number | null; breach: number | null }

// How likely each open ticket is still open, and will breach: the server's estimate, by ticket.
export function useChances(): ReadonlyMap<string, Chance> | null {
  const { data } = useDashboard({ window: 'today', from: null, to: null })
  return useMemo(() => {
    if (data === undefined) return null
    const number = (value: unknown): number | null => (typeof value === 'number' ? value : null)
    return new Map(data.open.features.map((feature) => {
      const p = (feature.properties ?? {}) as Record<string, unknown>
      return [keyOf('inc', String(p.ticket_id)), { still: number(p.p_still_open), breach: number(p.p_breach) }]
    }))
  }, [data])
}

// The expected number of the shown tickets that are truly still open; null when nothing is estimated.
export function useStill(rows: readonly { ticket: Ticket }[]): number | null {
  const chances = useChances()
  return useMemo(() => {
    if (chances === null || chances.size === 0) return null
    let sum = 0
    let estimated = 0
    for (const { ticket } of rows) {
      const still = chances.get(ticket.key)?.still ?? null
      sum += still ?? 1
      estimated += Number(still !== null)
    }
    return estimated === 0 ? null : Math.round(sum)
  }, [chances, rows])
}

export interface Outage {
  key: string
  n: number
  where: string
  spanMs: number
  p: string
  tickets: string[]
}

export function useOutages(): readonly Outage[] {
  const { live, view } = useShared()
  const { data } = useQuery({
    queryKey: ['outages', live.rev, view.at],
    queryFn: () => json<Record<string, unknown>>(`/api/outages${view.at === null ? '' : `?now=${new Date(view.at).toISOString()}`}`),
  })
  return useMemo(() => outagesOf(data), [data])
}

export function outagesOf(data: unknown): Outage[] {
  const { dataset = 'inc', outages = [] } = (data ?? {}) as { dataset?: string; outages?: Record<string, unknown>[] }
  return outages.map((outage) => {
    const ids = (Array.isArray(outage.ticket_ids) ? outage.ticket_ids : []) as string[]
    const spanMs = Date.parse(text(outage.to)) - Date.parse(text(outage.from))
    const p = typeof outage.p === 'number' ? outage.p : 1
    return {
      key: ids.join(), n: typeof outage.tickets === 'number' ? outage.tickets : ids.length, where: text(outage.name),
      spanMs: Number.isNaN(spanMs) ? 0 : spanMs, p: p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`,
      tickets: ids.map((id) => keyOf(dataset, id)),
    }
  })
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
