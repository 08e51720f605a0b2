// The whole view as a URL: what somebody sees can be sent to somebody else.
import type { Basis, SlaState } from './sla'
import { STATES } from './sla'
import type { Filter } from './filter'
import { NO_FILTER } from './filter'

export const SCREENS = ['map', 'board', 'trends', 'teams', 'review', 'quality', 'runs', 'dispatch'] as const
export type Screen = (typeof SCREENS)[number]
export type Mode = 'known' | 'happened'
export type Language = 'en' | 'sw'
export type Theme = 'light' | 'dark'
// 'last' is the last day that the data covers: with content two days behind, today would show nothing.
export type Window = 'last' | 'today' | 'week' | 'month' | 'custom'

export interface View {
  screen: Screen
  filter: Filter
  basis: Basis
  // Null: now, live. Else the instant that the slider shows.
  at: number | null
  mode: Mode
  ticket: string | null
  vehicle: string | null
  // The plan on the dispatch screen; null: the one to work on.
  plan: number | null
  window: Window
  from: string | null
  to: string | null
  tab: string | null
  // Overlays of the map.
  closed: boolean
  vehicles: boolean
  lang: Language | null
  theme: Theme | null
  place: [lon: number, lat: number, zoom: number] | null
}

export const HOME: View = {
  screen: 'map', filter: NO_FILTER, basis: 'clock', at: null, mode: 'known', ticket: null, vehicle: null, plan: null, window: 'last',
  from: null, to: null, tab: null, closed: false, vehicles: true, lang: null, theme: null, place: null,
}

export function viewOf(url: URL): View {
  const q = url.searchParams
  const path = url.pathname.replace(/^\/+|\/+$/g, '')
  const at = Date.parse(q.get('at') ?? '')
  const plan = Number(q.get('plan'))
  return {
    screen: oneOf(SCREENS, path) ?? 'map',
    filter: {
      dataset: oneOf(['inc', 'crq'] as const, q.get('dataset')),
      cluster: q.get('cluster'),
      status: q.get('status'),
      team: q.get('team'),
      sla: (q.get('sla') ?? '').split(',').filter((name): name is SlaState => STATES.includes(name as SlaState)),
      ageH: Math.max(0, Number(q.get('age') ?? 0) || 0),
      q: q.get('q') ?? '',
    },
    basis: oneOf(['clock', 'proven'] as const, q.get('basis')) ?? 'clock',
    at: Number.isNaN(at) ? null : at,
    mode: oneOf(['known', 'happened'] as const, q.get('mode')) ?? 'known',
    ticket: q.get('ticket'),
    vehicle: q.get('vehicle'),
    plan: Number.isSafeInteger(plan) && plan > 0 ? plan : null,
    window: oneOf(['last', 'today', 'week', 'month', 'custom'] as const, q.get('window')) ?? 'last',
    from: q.get('from'),
    to: q.get('to'),
    tab: q.get('tab'),
    closed: q.get('closed') === '1',
    vehicles: q.get('vehicles') !== '0',
    lang: oneOf(['en', 'sw'] as const, q.get('lang')),
    theme: oneOf(['light', 'dark'] as const, q.get('theme')),
    place: placeOf(q.get('place')),
  }
}

export function pathOf(view: View): string {
  const q = new URLSearchParams()
  const put = (name: string, value: string | null, usual: string | null = null): void => {
    if (value !== null && value !== '' && value !== usual) q.set(name, value)
  }
  const { filter } = view
  put('dataset', filter.dataset)
  put('cluster', filter.cluster)
  put('status', filter.status)
  put('team', filter.team)
  put('sla', filter.sla.join(','))
  put('age', String(filter.ageH), '0')
  put('q', filter.q)
  put('basis', view.basis, 'clock')
  put('at', view.at === null ? null : new Date(view.at).toISOString())
  put('mode', view.mode, 'known')
  put('ticket', view.ticket)
  put('vehicle', view.vehicle)
  put('plan', view.plan === null ? null : String(view.plan))
  put('window', view.window, 'last')
  put('from', view.from)
  put('to', view.to)
  put('tab', view.tab)
  put('closed', view.closed ? '1' : null)
  put('vehicles', view.vehicles ? null : '0')
  put('lang', view.lang)
  put('theme', view.theme)
  put('place', view.place?.map((value, i) => value.toFixed(i === 2 ? 1 : 4)).join(',') ?? null)
  const query = q.toString()
  return (view.screen === 'map' ? '/' : `/${view.screen}`) + (query === '' ? '' : `?${query}`)
}

function oneOf<T extends string>(allowed: readonly T[], value: string | null): T | null {
  return allowed.find((one) => one === value) ?? null
}

function placeOf(value: string | null): View['place'] {
  const [lon, lat, zoom] = (value ?? '').split(',').map(Number)
  if (lon === undefined || lat === undefined || zoom === undefined) return null
  const sane = Math.abs(lon) <= 180 && Math.abs(lat) <= 85 && zoom >= 0 && zoom <= 22
  return sane ? [lon, lat, zoom] : null
}
