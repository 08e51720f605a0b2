// Vehicles in words: the list that is the map's equal, one vehicle opened, and those nearest to a ticket.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef } from 'react'
import { json } from '../api'
import { useWords, type Words } from '../i18n'
import { useNearest, type Fleet } from '../live/vehicles'
import type { ShownVehicle } from '../map/fleet'
import { keyOf, type Ticket } from '../model/ticket'
import { byUse, type Freshness, freshnessOf, headingOf, type Near, placeMarginS, pointOfCompass, straightLine, type Vehicle } from '../model/vehicle'
import { Empty, Failed, Loading } from './States'
import { useShared } from './state'

const NEAREST = 5
const MINUTE = 60_000

export function VehicleMark({ freshness, drives }: { freshness: Freshness; drives: boolean }) {
  const body = drives ? 'M10 1 17 18 10 14 3 18Z' : 'M1 13V5h11l4 4 3 1v3h-2a2.6 2.6 0 1 1-5 0H8a2.6 2.6 0 1 1-5 0Z'
  const solid = freshness === 'fresh'
  return (
    <svg className="shape" viewBox="0 0 20 20" aria-hidden="true">
      <path d={body} fill={solid ? 'var(--hairline)' : 'none'} stroke={solid ? 'none' : 'var(--soft)'} strokeWidth="1.4" strokeDasharray={solid ? undefined : '2.4 1.8'} />
    </svg>
  )
}

// "position 3 min old", "stale: position 5 h old", "no position".
export function freshnessWords(vehicle: Vehicle, now: number, { t, duration }: Words): string {
  const freshness = freshnessOf(vehicle, now)
  if (freshness === 'unknown' || vehicle.knownAt === null) return t('vehicle.no_position')
  const old = now - vehicle.knownAt
  const age = old < MINUTE ? t('vehicle.just_now') : t('vehicle.age', { age: duration(old) })
  if (freshness === 'stale') return t('vehicle.stale', { age })
  return vehicle.obstacle === 'out_of_area' ? `${t('vehicle.out_of_area')} · ${age}` : age
}

export function movingWords(vehicle: Vehicle, { t, number }: Words): string {
  const heading = headingOf(vehicle)
  return heading === null ? t('vehicle.stands') : t('vehicle.drives', { kmh: number(vehicle.speedKmH ?? 0), to: t(`compass.${pointOfCompass(heading)}`) })
}

// What the map is given: the age is part of the label, so that nobody takes an old place for a place.
export function useShownVehicles(fleet: Fleet): readonly ShownVehicle[] {
  const { now } = useShared()
  const words = useWords()
  return useMemo(() => (fleet.vehicles ?? []).map((vehicle): ShownVehicle => {
    const freshness = freshnessOf(vehicle, now)
    const old = freshness === 'stale' && vehicle.knownAt !== null ? ` · ${words.t('vehicle.age', { age: words.duration(now - vehicle.knownAt) })}` : ''
    return { vehicle, freshness, plate: `${vehicle.label}${old}` }
  }), [fleet.vehicles, now, words])
}

export function VehicleList({ fleet, onOpen }: { fleet: Fleet; onOpen: (id: string) => void }) {
  const { now, view } = useShared()
  const words = useWords()
  const { t, time } = words
  const sorted = useMemo(() => [...(fleet.vehicles ?? [])].sort(byUse(now)), [fleet.vehicles, now])
  if (view.at !== null) return <Empty text={t('vehicle.past')} />
  if (fleet.vehicles === undefined) return fleet.error ? <Failed error={fleet.error} since={fleet.since} retry={fleet.retry} /> : <Loading />
  if (sorted.length === 0) return <NoVehicles />
  return (
    <ul className="vehicles" aria-label={t('vehicle.list')}>
      {sorted.map((vehicle) => (
        <li key={vehicle.id}>
          <button aria-current={view.vehicle === vehicle.id} data-vehicle={vehicle.id} onClick={() => { onOpen(vehicle.id) }}>
            <VehicleMark freshness={freshnessOf(vehicle, now)} drives={headingOf(vehicle) !== null} />
            <span>
              <span className="line"><b>{vehicle.label}</b>{vehicle.team === null ? '' : ` · ${vehicle.team}`}</span>
              <span className="line second">{freshnessWords(vehicle, now, words)}{freshnessOf(vehicle, now) === 'fresh' ? ` · ${movingWords(vehicle, words)}` : ''}</span>
              {vehicle.nextTicket !== null && <span className="line second">{t('vehicle.next', { ticket: vehicle.nextTicket, time: time(vehicle.nextAt, now) })}</span>}
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}

function NoVehicles() {
  const { t } = useWords()
  return (
    <div className="state">
      <h2>{t('vehicle.none')}</h2>
      <p>{t('vehicle.none.text')}</p>
      <pre>fleettickets dispatch positions --help</pre>
    </div>
  )
}

export function VehicleDrawer({ vehicle, id, tickets }: { vehicle: Vehicle | null; id: string; tickets: readonly Ticket[] }) {
  const { go, now } = useShared()
  const words = useWords()
  const { t, time } = words
  const box = useRef<HTMLElement>(null)
  useEffect(() => {
    const before = document.activeElement
    box.current?.focus()
    return () => { if (before instanceof HTMLElement && before.isConnected) before.focus() }
  }, [id])
  const facts: [string, string | null][] = vehicle === null ? [] : [
    [t('vehicle.position'), freshnessWords(vehicle, now, words)],
    [t('vehicle.moving'), freshnessOf(vehicle, now) === 'fresh' ? movingWords(vehicle, words) : null],
    [t('drawer.team'), vehicle.team],
    [t('vehicle.shift'), vehicle.shift.join(' – ')],
    [t('vehicle.skills'), vehicle.skills.length === 0 ? null : vehicle.skills.join(', ')],
    [t('vehicle.nextstop'), vehicle.nextTicket === null ? t('vehicle.nothing') : `${vehicle.nextTicket} · ${time(vehicle.nextAt, now)}`],
  ]
  return (
    <aside className="drawer" aria-label={t('vehicle.label', { name: vehicle?.label ?? id })} ref={box} tabIndex={-1}>
      <header>
        <h2>{vehicle?.label ?? id}</h2>
        <button className="button square" aria-label={t('drawer.close')} onClick={() => { go({ vehicle: null }) }}>×</button>
      </header>
      {vehicle === null && <p className="soft">{t('vehicle.gone')}</p>}
      <dl className="facts">
        {facts.map(([name, value]) => value !== null && <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      {vehicle !== null && vehicle.point !== null && <NearTickets vehicle={vehicle} tickets={tickets} />}
    </aside>
  )
}

interface NearTicket { ticket_id: string; dataset: string; cluster: string | null; distance_m: number; eta_s: number; eta_basis: string }

function NearTickets({ vehicle, tickets }: { vehicle: Vehicle; tickets: readonly Ticket[] }) {
  const { go } = useShared()
  const words = useWords()
  const { t, distance, duration } = words
  const { data, error, refetch } = useQuery({
    queryKey: ['near-tickets', vehicle.id, vehicle.point?.join()],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => json<{ tickets: NearTicket[] }>(`/api/dispatch/nearest?vehicle=${encodeURIComponent(vehicle.id)}&k=${NEAREST}`, { signal }),
  })
  const known = useMemo(() => new Set(tickets.map(({ key }) => key)), [tickets])
  if (error) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading rows={2} />
  return (
    <section>
      <h3>{t('vehicle.tickets')}</h3>
      {data.tickets.length === 0 && <p className="soft">{t('empty.none')}</p>}
      <ul className="near">
        {data.tickets.map((one) => {
          const key = keyOf(one.dataset, one.ticket_id)
          return (
            <li key={key}>
              <button onClick={() => { go({ ticket: key }) }} disabled={!known.has(key)}>
                <span><b>{one.ticket_id}</b>{one.cluster === null ? '' : ` · ${one.cluster}`}</span>
                <span className="end">{distance(one.distance_m)} · ≈ {duration(one.eta_s * 1000)}</span>
              </button>
            </li>
          )
        })}
      </ul>
      <Basis basis={data.tickets[0]?.eta_basis} />
    </section>
  )
}

// What an arrival rests on, always beside it.
export function Basis({ basis }: { basis: string | undefined }) {
  const { t, number } = useWords()
  if (basis === undefined || basis === '') return null
  const straight = straightLine(basis)
  return (
    <p className="soft small">
      {straight === null ? t('near.road', { source: basis }) : t('near.straight', { detour: number(straight.detour, 2), kmh: number(straight.kmH) })}
    </p>
  )
}

export function NearVehicles({ ticket }: { ticket: Ticket }) {
  const { view, go, now } = useShared()
  const words = useWords()
  const { t, distance, duration } = words
  const { near, error, retry } = useNearest(ticket.id, NEAREST)
  let body
  if (error !== null && near === undefined) body = <Failed error={error} retry={retry} />
  else if (near === undefined) body = <Loading rows={2} />
  else if (near.vehicles.length === 0) body = <p className="soft">{t('near.none')}</p>
  else if (!near.hasPlace) body = <p className="soft">{t('near.noplace')}</p>
  else {
    const margin = placeMarginS(ticket.radiusM, near.vehicles[0]?.basis ?? '')
    body = (
      <>
        {near.geoSource === 'cluster' && <p className="callout" data-state="at_risk">{t('near.coarse', { m: ticket.radiusM === null ? '' : distance(ticket.radiusM) })}</p>}
        <ol className="near" aria-label={t('near.title')}>
          {near.vehicles.map((one) => (
            <li key={one.vehicle.id}>
              <button aria-pressed={view.vehicle === one.vehicle.id} data-vehicle={one.vehicle.id} onClick={() => { go({ vehicle: view.vehicle === one.vehicle.id ? null : one.vehicle.id, vehicles: true }, true) }}>
                <VehicleMark freshness={freshnessOf(one.vehicle, now)} drives={false} />
                <span>
                  <span className="line"><b>{one.vehicle.label}</b>{one.vehicle.team === null ? '' : ` · ${one.vehicle.team}`}</span>
                  <span className="line second">{obstacleWords(one, now, words)}</span>
                </span>
                <span className="end">
                  <span className="line">{one.distanceM === null ? '–' : distance(one.distanceM)}</span>
                  <span className="line second">{one.etaS === null || freshnessOf(one.vehicle, now) !== 'fresh' ? '' : `≈ ${duration(one.etaS * 1000)}${margin >= 60 ? ` ± ${duration(margin * 1000)}` : ''}`}</span>
                </span>
              </button>
            </li>
          ))}
        </ol>
        <Basis basis={near.vehicles[0]?.basis} />
      </>
    )
  }
  return (
    <section aria-label={t('near.title')} data-part="nearest">
      <h3>{t('near.title')}</h3>
      {body}
    </section>
  )
}

function obstacleWords({ vehicle }: Near, now: number, words: Words): string {
  return vehicle.obstacle === 'skill' ? words.t('vehicle.skill') : freshnessWords(vehicle, now, words)
}
