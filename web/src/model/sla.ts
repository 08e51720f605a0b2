// Which SLA state a ticket is in at an instant, from exact instants and never from rounded hours.
import type { Ticket } from './ticket'

export type SlaState = 'breached' | 'at_risk' | 'on_track' | 'unknown' | 'none'
export type Evidence = 'proven' | 'presumed' | null
export type Basis = 'clock' | 'proven'

// Worst first; installations have no contract and come last.
export const STATES: readonly SlaState[] = ['breached', 'at_risk', 'on_track', 'unknown', 'none']
const SEVERITY: Record<SlaState, number> = { breached: 3, at_risk: 2, on_track: 1, unknown: 0, none: 0 }

type Clocked = Pick<Ticket, 'dataset' | 'openedAt' | 'riskAt' | 'dueAt'>

export function stateAt(ticket: Clocked, at: number): SlaState {
  if (ticket.dueAt === null || ticket.riskAt === null) {
    return ticket.openedAt === null && ticket.dataset === 'inc' ? 'unknown' : 'none'
  }
  if (at >= ticket.dueAt) return 'breached'
  return at >= ticket.riskAt ? 'at_risk' : 'on_track'
}

// Proven: the data itself reaches that far. Presumed: only the wall clock does, the ticket may be closed by now.
export function evidence(ticket: Clocked, now: number, contentAsOf: number | null): Evidence {
  const state = stateAt(ticket, now)
  if (state !== 'breached' && state !== 'at_risk') return null
  return SEVERITY[knownState(ticket, now, contentAsOf)] >= SEVERITY[state] ? 'proven' : 'presumed'
}

export function knownState(ticket: Clocked, now: number, contentAsOf: number | null): SlaState {
  return stateAt(ticket, contentAsOf === null ? now : Math.min(now, contentAsOf))
}

export function stateOn(basis: Basis, ticket: Clocked, now: number, contentAsOf: number | null): SlaState {
  return basis === 'proven' ? knownState(ticket, now, contentAsOf) : stateAt(ticket, now)
}

export interface Clocks {
  now: number
  contentAsOf: Record<'inc' | 'crq', number | null>
}

export type Counts = Record<SlaState, number>

export function countStates(states: Iterable<SlaState>): Counts {
  const counts: Counts = { breached: 0, at_risk: 0, on_track: 0, unknown: 0, none: 0 }
  for (const state of states) counts[state] += 1
  return counts
}

// The worst first: breached longest ago, then what falls due next; without a deadline by age, oldest first.
export function byUrgency(a: Ticket, b: Ticket): number {
  return (
    (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity) ||
    (a.openedAt ?? Infinity) - (b.openedAt ?? Infinity) ||
    (a.key < b.key ? -1 : 1)
  )
}
