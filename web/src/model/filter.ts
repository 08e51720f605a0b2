// The filter of the list and the map: every part combines with AND; an empty part means all.
import type { Basis, Clocks, SlaState } from './sla'
import { stateOn } from './sla'
import type { Dataset, Ticket } from './ticket'
import { teamOf } from './ticket'
import { HOUR } from './time'

export interface Filter {
  dataset: Dataset | null
  cluster: string | null
  status: string | null
  team: string | null
  sla: SlaState[]
  // At least so many hours old; 0 means any age.
  ageH: number
  q: string
}

export const NO_FILTER: Filter = { dataset: null, cluster: null, status: null, team: null, sla: [], ageH: 0, q: '' }
// How the API and the lists write "has none".
export const NONE = '(none)'

type Part = keyof Filter

// Whether a ticket passes; `except` leaves one part out, so that its own choices can be counted.
export function passes(ticket: Ticket, filter: Filter, basis: Basis, clocks: Clocks, except?: Part): boolean {
  const on = (part: Part): boolean => part !== except
  if (on('dataset') && filter.dataset !== null && ticket.dataset !== filter.dataset) return false
  if (on('cluster') && !same(filter.cluster, ticket.cluster)) return false
  if (on('status') && !same(filter.status, ticket.status)) return false
  if (on('team') && !same(filter.team, teamOf(ticket))) return false
  if (on('ageH') && filter.ageH > 0 && !(ticket.openedAt !== null && clocks.now - ticket.openedAt >= filter.ageH * HOUR)) {
    return false
  }
  if (on('q') && filter.q !== '' && !matches(ticket, filter.q)) return false
  if (on('sla') && filter.sla.length > 0) {
    return filter.sla.includes(stateOn(basis, ticket, clocks.now, clocks.contentAsOf[ticket.dataset]))
  }
  return true
}

export function isFiltered(filter: Filter): boolean {
  return (
    filter.cluster !== null || filter.status !== null || filter.team !== null || filter.dataset !== null ||
    filter.sla.length > 0 || filter.ageH > 0 || filter.q !== ''
  )
}

function same(wanted: string | null, value: string | null): boolean {
  if (wanted === null) return true
  return (value ?? NONE).trim().toLowerCase() === wanted.trim().toLowerCase()
}

function matches(ticket: Ticket, q: string): boolean {
  const needle = q.trim().toLowerCase()
  return [ticket.id, ticket.cluster, ticket.region, ticket.location, ticket.team, ticket.owner, ticket.status].some(
    (value) => value?.toLowerCase().includes(needle) ?? false,
  )
}

// The choices of one part with how many tickets each holds under the other parts, most first.
export function choices(
  tickets: readonly Ticket[],
  part: 'cluster' | 'status' | 'team',
  filter: Filter,
  basis: Basis,
  clocks: Clocks,
): [string, number][] {
  const value = { cluster: (t: Ticket) => t.cluster, status: (t: Ticket) => t.status, team: teamOf }[part]
  const counts = new Map<string, number>()
  for (const ticket of tickets) {
    if (!passes(ticket, filter, basis, clocks, part)) continue
    const name = value(ticket) ?? NONE
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
}

// The query of the export that gives exactly what is shown. Age has no name there: it becomes an instant.
export function exportQuery(filter: Filter, at: number | null): URLSearchParams {
  const query = new URLSearchParams()
  const put = (name: string, value: string | null): void => {
    if (value !== null && value !== '') query.set(name, value)
  }
  put('dataset', filter.dataset)
  put('cluster', filter.cluster)
  put('status', filter.status)
  put('team', filter.team)
  put('sla', filter.sla.join(','))
  put('q', filter.q.trim().length >= 2 ? filter.q.trim() : null)
  put('now', at === null ? null : new Date(at).toISOString())
  return query
}
