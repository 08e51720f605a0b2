// Where the vehicles are: asked every few seconds while somebody looks, never for an instant of the past.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { json } from '../api'
import { nearestOf, type Nearest, type Vehicle, vehicleOf } from '../model/vehicle'
import { useShared } from '../ui/state'

const EVERY_MS = 10_000

export interface Fleet {
  // Undefined until the first answer; the last one stays when the next does not come.
  vehicles: readonly Vehicle[] | undefined
  error: Error | null
  since: number
  retry: () => void
}

export function useVehicles(): Fleet {
  const { view, live } = useShared()
  const { data, error, errorUpdatedAt, refetch } = useQuery({
    queryKey: ['vehicles', live.rev],
    enabled: view.at === null,
    refetchInterval: EVERY_MS,
    staleTime: EVERY_MS / 2,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => json<{ vehicles: Record<string, unknown>[] }>('/api/dispatch/vehicles', { signal }),
  })
  const past = view.at !== null
  return useMemo(() => ({
    vehicles: past ? [] : data?.vehicles.map((one) => vehicleOf(one)),
    error: past ? null : error,
    since: errorUpdatedAt,
    retry: () => void refetch(),
  }), [past, data, error, errorUpdatedAt, refetch])
}

export function useNearest(ticketId: string, k: number): { near: Nearest | undefined; error: Error | null; retry: () => void } {
  const { data, error, refetch } = useQuery({
    queryKey: ['nearest', ticketId, k],
    refetchInterval: 3 * EVERY_MS,
    // Another ticket's vehicles are not this one's.
    placeholderData: () => undefined,
    queryFn: ({ signal }) => json<Record<string, unknown>>(`/api/dispatch/nearest?ticket=${encodeURIComponent(ticketId)}&k=${k}`, { signal }),
  })
  const near = useMemo(() => (data === undefined ? undefined : nearestOf(data)), [data])
  return { near, error, retry: () => void refetch() }
}
