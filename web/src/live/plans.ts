// Plans as they stand on the server, and what a dispatcher asks of it.
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import { json, post, Problem } from '../api'
import { type Listed, type Locks, type Plan, planOf, type Reason, type Settings, toWorkOn, type Worth } from '../model/plan'
import { useShared } from '../ui/state'

const EVERY_MS = 10_000
const PATH = '/api/dispatch/plans'

type Told = Record<string, unknown>

export function usePlans() {
  return useQuery({
    queryKey: ['plans'],
    refetchInterval: EVERY_MS,
    queryFn: ({ signal }) => json<{ plans: Listed[] }>(`${PATH}?limit=50`, { signal }),
  })
}

// Asked again and again: another dispatcher may lock, insert or commit in the same plan.
export function usePlan(id: number | null) {
  const { data, error, errorUpdatedAt, refetch } = useQuery({
    queryKey: ['plan', id],
    enabled: id !== null,
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => json<Told>(`${PATH}/${id ?? 0}`, { signal }),
  })
  const plan = useMemo(() => (data === undefined ? undefined : planOf(data)), [data])
  return { plan: plan?.id === id ? plan : undefined, error, since: errorUpdatedAt, retry: () => void refetch() }
}

export interface Difference {
  added: string[]
  removed: string[]
  moved: [ticket: string, from: string, to: string][]
  reordered: string[]
  shifted_s: Record<string, number>
  distance_m: number
  on_time: number
}

export function useDifference(before: number | null, after: Plan) {
  return useQuery({
    queryKey: ['plan-diff', before, after.id, after.revision],
    enabled: before !== null && before !== after.id,
    queryFn: ({ signal }) => json<Difference>(`${PATH}/${before ?? 0}/diff?to=${after.id ?? 0}`, { signal }),
  })
}

// Null until it is known. Without tokens in the database whoever reaches the server may do everything.
export function useMayPlan(): boolean | null {
  const { data } = useQuery({
    queryKey: ['session'], staleTime: 60_000,
    queryFn: () => json<{ required: boolean; scopes: string[] }>('/api/session'),
  })
  return data === undefined ? null : !data.required || data.scopes.includes('dispatch') || data.scopes.includes('admin')
}

export interface Offer extends Worth { reordered: number }

export interface Unplaced { ticket_id: string; reason: Reason; by: string[]; best_vehicle: string | null; price_m: number | null }

export interface Assigned {
  plan: Plan
  unplaced: Unplaced | null
  // A draft was made for it; it was on a route before.
  made: boolean
  already: boolean
}

const revised = <T>(method: string, path: string, body: unknown): Promise<T> => json<T>(path, {
  method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
})

export async function draft(settings: Settings): Promise<Plan> {
  return planOf(await post<Told>(PATH, { settings }))
}

export async function goOn(from: number): Promise<Plan> {
  return planOf(await post<Told>(PATH, { from_plan: from }))
}

export async function whatIf(settings: Settings): Promise<Plan> {
  return planOf(await post<Told>(PATH, { settings, keep: false }))
}

// With a bound the server says what a fresh plan would do, and takes it when it moves no more than that.
export async function relock(plan: Plan, locks: Locks, mostMoved: number | null): Promise<{ plan: Plan; wouldMove: number | null; fresh: Offer | null }> {
  const told = await revised<Told>('PATCH', `${PATH}/${plan.id ?? 0}`, { revision: plan.revision, locks, most_moved: mostMoved })
  return { plan: planOf(told), wouldMove: told.would_move as number | null, fresh: told.fresh as Offer | null }
}

export async function insert(plan: Plan, ticket: string): Promise<{ plan: Plan; unplaced: Unplaced | null }> {
  const told = await post<{ plan: Told; unassigned: Unplaced | null }>(`${PATH}/${plan.id ?? 0}/insert`, { revision: plan.revision, ticket_id: ticket })
  return { plan: planOf(told.plan), unplaced: told.unassigned }
}

export async function commit(plan: Plan): Promise<{ plan: Plan; closed: string[] }> {
  const told = await post<{ plan: Told; closed_before: string[] }>(`${PATH}/${plan.id ?? 0}/commit`, { revision: plan.revision })
  return { plan: planOf(told.plan), closed: told.closed_before }
}

export class NoPlan extends Error {}

// Into the draft that people work on; where only a committed plan is, into a draft that goes on from it.
async function assign(ticket: string): Promise<Assigned> {
  const { plans } = await json<{ plans: Listed[] }>(`${PATH}?limit=50`)
  const chosen = toWorkOn(plans)
  if (chosen === null || chosen.state === 'superseded') throw new NoPlan()
  const made = chosen.state === 'committed'
  const plan = made ? await goOn(chosen.plan_id) : planOf(await json<Told>(`${PATH}/${chosen.plan_id}`))
  const already = plan.routes.some(({ stops }) => stops.some((stop) => stop.ticket === ticket))
  return already ? { plan, unplaced: null, made, already } : { ...(await insert(plan, ticket)), made, already }
}

export function useAssign(): (ticket: string) => Promise<Assigned> {
  const client = useQueryClient()
  return useCallback(async (ticket: string) => {
    try {
      return await assign(ticket)
    } catch (error) {
      // Somebody changed the plan in between: it is read once more.
      if (error instanceof Problem && error.status === 409) return await assign(ticket)
      throw error
    } finally {
      await client.invalidateQueries({ queryKey: ['plans'] })
      await client.invalidateQueries({ queryKey: ['plan'] })
    }
  }, [client])
}

// Tickets by their id: a plan names them without their dataset.
export function useTicketsById(datasets: readonly string[]) {
  const { live } = useShared()
  const wanted = datasets.join()
  return useMemo(
    () => new Map((live.tickets ?? []).filter(({ dataset }) => wanted.includes(dataset)).map((ticket) => [ticket.id, ticket])),
    [live.tickets, wanted],
  )
}
