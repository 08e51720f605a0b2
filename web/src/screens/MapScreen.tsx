// Screen 1: what is open, how bad, where, how sure. The list stands before the map does.
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { useWords } from '../i18n'
import { isFiltered, passes } from '../model/filter'
import { byUrgency, countStates, stateOn } from '../model/sla'
import { ticketOf, type Ticket } from '../model/ticket'
import { DAY, dateOf, dayStart } from '../model/time'
import { type View, viewOf } from '../model/view'
import type { Pulse } from '../map/MapView'
import { painted } from '../map/painted'
import { NO_FILTER } from '../model/filter'
import { isTyping } from '../ui/App'
import { Boundary } from '../ui/Boundary'
import { Credits } from '../ui/Credits'
import { Drawer } from '../ui/Drawer'
import { Filters } from '../ui/Filters'
import { Shape } from '../ui/Shape'
import { useShared } from '../ui/state'
import { Empty, Failed, FirstRun, Loading } from '../ui/States'
import { TicketList } from '../ui/TicketList'
import { useShownVehicles, VehicleDrawer, VehicleList, VehicleMark } from '../ui/Vehicles'
import { useVehicles } from '../live/vehicles'
import { freshnessOf } from '../model/vehicle'
import type { ShownVehicle } from '../map/fleet'
import { TimeSlider } from '../ui/TimeSlider'
import { type Outage, useBasemap, useDashboard, useOutages, useStill } from './data'

const loadMap = (): Promise<typeof import('../map/MapView')> => import('../map/MapView')
const MapView = lazy(loadMap)
const NOTHING: readonly Ticket[] = []
const NOBODY: readonly ShownVehicle[] = []
// A desk shows the map beside the list, and fetches it while the tickets are on their way; a phone, when it is asked for.
const WIDE = '(min-width: 721px)'
if (viewOf(new URL(location.href)).screen === 'map' && matchMedia(WIDE).matches) void loadMap()

export function MapScreen() {
  const { view, go, live, past, store, clocks, dark } = useShared()
  const words = useWords()
  const { t, number } = words
  const source = view.at === null ? live.tickets : past.data?.tickets
  const [group, setGroup] = useState<ReadonlySet<string> | null>(null)
  const [cursor, setCursor] = useState<number | undefined>(undefined)
  const [mapError, setMapError] = useState<Error | null>(null)
  const tickets = source ?? NOTHING
  const { filter, basis } = view

  const ordered = useMemo(() => [...tickets].sort(byUrgency), [tickets])
  const rows = useMemo(() => ordered
    .filter((ticket) => passes(ticket, filter, basis, clocks) && (group === null || group.has(ticket.key)))
    .map((ticket) => ({ ticket, state: stateOn(basis, ticket, clocks.now, clocks.contentAsOf[ticket.dataset]) })),
  [ordered, filter, basis, clocks, group])
  const counts = useMemo(() => countStates(
    tickets.filter((ticket) => passes(ticket, filter, basis, clocks, 'sla'))
      .map((ticket) => stateOn(basis, ticket, clocks.now, clocks.contentAsOf[ticket.dataset])),
  ), [tickets, filter, basis, clocks])
  const chosen = useMemo(() => tickets.find(({ key }) => key === view.ticket) ?? null, [tickets, view.ticket])
  const unmapped = rows.reduce((n, { ticket }) => n + Number(ticket.point === null), 0)
  const still = useStill(rows)
  const basemap = useBasemap()
  const [outlines, setOutlines] = useState(false)
  const outages = useOutages()
  const pulses = usePulses(outages, tickets)
  const wide = useWide()
  const listed = useListed(source !== undefined || live.problem !== null)
  const closed = useClosed(view.closed && view.at === null)
  const fleet = useVehicles()
  const onRoad = useShownVehicles(fleet)
  const hasFleet = (fleet.vehicles?.length ?? 0) > 0
  const showsVehicles = view.tab === 'vehicles'
  const lost = onRoad.filter(({ vehicle }) => freshnessOf(vehicle, clocks.now) !== 'fresh').length
  const openVehicle = useCallback((id: string) => { go({ vehicle: id, ticket: null, vehicles: true }) }, [go])

  const open = useCallback((key: string) => { go({ ticket: key }) }, [go])
  useMapKeys(rows.map(({ ticket }) => ticket.key), cursor, setCursor, () => { setGroup(null) })

  // A phone has room for one: the list, or the map.
  const phone = view.tab === 'map' ? 'map' : 'list'
  const showGroup = useCallback((keys: string[]) => {
    setGroup(new Set(keys))
    go({ tab: null })
  }, [go])
  const place = useRef(view.place)
  const onPlace = useCallback((next: NonNullable<View['place']>) => {
    place.current = next
    go({ place: next }, true)
  }, [go])

  const head = showsVehicles ? (
    <header>
      <h2>{t('vehicle.count', { n: onRoad.length })}</h2>
      {lost > 0 && <span className="soft">{t('vehicle.stale.count', { n: lost })}</span>}
    </header>
  ) : (
    <header>
      <h2>{isFiltered(filter) || group !== null
        ? t('list.of', { n: number(rows.length), total: number(tickets.length) })
        : t('list.open', { n: rows.length })}</h2>
      {still !== null && <span className="soft" title={t('list.still.why')}>{t('list.still', { n: number(still) })}</span>}
      {unmapped > 0 && <span className="soft">{t('list.unmapped', { n: unmapped })}</span>}
      {group !== null && <button className="button plain" onClick={() => { setGroup(null) }}>{t('filter.clear')}</button>}
    </header>
  )
  const body = source === undefined
    ? (view.at !== null && past.error ? <Failed error={past.error} retry={() => void past.refetch()} />
      : live.problem !== null ? <Failed error={live.problem} retry={() => void store.refresh()} /> : <Loading />)
    : tickets.length === 0 && live.freshness.inc.fileTs === null && live.freshness.crq.fileTs === null ? <FirstRun />
      : rows.length === 0 ? (
        <Empty
          text={isFiltered(filter) ? t('empty.filter', { where: filter.cluster === null ? t('empty.match') : t('empty.in', { cluster: filter.cluster }) }) : t('empty.none')}
          action={isFiltered(filter) && <button className="button" onClick={() => { go({ filter: NO_FILTER }); setGroup(null) }}>{t('filter.clear')}</button>}
        />
      ) : <TicketList rows={rows} label={t('list.label')} {...(cursor === undefined ? {} : { cursor })} onOpen={open} />

  return (
    <>
      <Filters tickets={tickets} counts={counts} onMap>
        {hasFleet && <button className="chip" aria-pressed={view.vehicles} onClick={() => { go((v) => ({ vehicles: !v.vehicles })) }}>{t('vehicle.show')}</button>}
      </Filters>
      <div className="split" data-phone={phone}>
        <section className="list" aria-label={t('list.label')}>
          {head}
          {hasFleet || showsVehicles ? (
            <div className="segments two" role="group" aria-label={t('list.label')}>
              <button aria-pressed={!showsVehicles} onClick={() => { go({ tab: null }) }}>{t('vehicle.tab.tickets')}</button>
              <button aria-pressed={showsVehicles} onClick={() => { go({ tab: 'vehicles' }) }}>{t('vehicle.tab.vehicles', { n: number(onRoad.length) })}</button>
            </div>
          ) : <div aria-hidden="true" />}
          {showsVehicles ? <VehicleList fleet={fleet} onOpen={openVehicle} /> : body}
        </section>
        <section className="mapside" aria-label={t('map.label')}>
          {mapError === null ? (
            <Boundary of="map"><Suspense fallback={<div className="state"><span className="soft">{t('loading')}</span></div>}>
              {listed && (wide || phone === 'map') ? (
                <MapView
                  shown={rows} chosen={chosen} vehicles={view.vehicles && view.at === null ? onRoad : NOBODY} chosenVehicle={view.vehicle} closed={closed} pulses={pulses} dark={dark} basemap={basemap} place={place.current}
                  label={t('map.label')} words={{ in: t('map.in'), out: t('map.out'), all: t('map.all'), group: (n, breached) => t('map.group', { n, breached }) }}
                  onTicket={open} onVehicle={openVehicle} onPlace={onPlace} onFailed={setMapError} onBasemap={(there) => { setOutlines(!there) }}
                  onGroup={showGroup}
                />
              ) : <span />}
            </Suspense></Boundary>
          ) : <Empty text={t('error.map')} />}
          <Outages outages={outages} onShow={showGroup} />
          <Legend vehicles={hasFleet} />
          {basemap !== null && !outlines ? null : <p className="credit">{outlines && `${t('map.outlines')} · `}{t('map.attribution')}</p>}
          <Credits />
          <TimeSlider busy={past.isFetching} />
        </section>
        <div className="segments either" role="group" aria-label={t('nav.more')}>
          <button aria-pressed={phone === 'list'} onClick={() => { go({ tab: null }) }}>{t('phone.list')}</button>
          <button aria-pressed={phone === 'map'} onClick={() => { go({ tab: 'map' }) }}>{t('screen.map')}</button>
        </div>
        {view.ticket !== null && <Drawer ticket={chosen} id={view.ticket} />}
        {view.ticket === null && view.vehicle !== null && view.at === null && fleet.vehicles !== undefined && (
          <VehicleDrawer vehicle={fleet.vehicles.find(({ id }) => id === view.vehicle) ?? null} id={view.vehicle} tickets={tickets} />
        )}
      </div>
    </>
  )
}

function Legend({ vehicles }: { vehicles: boolean }) {
  const { t } = useWords()
  return (
    <details className="legend">
      <summary>{t('map.legend')}</summary>
      <ul>
        {(['breached', 'at_risk', 'on_track', 'unknown', 'none'] as const).map((state) => (
          <li key={state}><Shape state={state} small />{t(`sla.${state}`)}</li>
        ))}
        <li className="soft">{t('map.solid')}</li>
        <li className="soft">{t('map.ringed')}</li>
        <li className="soft">{t('map.circle')}</li>
        <li className="soft">{t('map.donut')}</li>
        {vehicles && (
          <>
            <li><VehicleMark freshness="fresh" drives />{t('vehicle.legend.drives')}</li>
            <li><VehicleMark freshness="fresh" drives={false} />{t('vehicle.legend.stands')}</li>
            <li><VehicleMark freshness="stale" drives={false} />{t('vehicle.legend.stale')}</li>
          </>
        )}
      </ul>
    </details>
  )
}

function Outages({ outages, onShow }: { outages: readonly Outage[]; onShow: (keys: string[]) => void }) {
  const { t, duration } = useWords()
  if (outages.length === 0) return null
  return (
    <div className="outages">
      {outages.slice(0, 3).map((outage) => (
        <button key={outage.key} onClick={() => { onShow(outage.tickets) }}>
          {t('map.outage', { n: outage.n, where: outage.where, age: duration(outage.spanMs), p: outage.p })}
        </button>
      ))}
    </div>
  )
}

// Where the tickets of an outage lie on average.
function usePulses(outages: readonly Outage[], tickets: readonly Ticket[]): Pulse[] {
  const { t, duration } = useWords()
  return useMemo(() => {
    if (outages.length === 0) return []
    const byKey = new Map(tickets.map((ticket) => [ticket.key, ticket.point]))
    return outages.flatMap((outage) => {
      const points = outage.tickets.map((key) => byKey.get(key)).filter((point) => point != null)
      if (points.length === 0) return []
      const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length
      return [{
        key: outage.key, point: [mean(0), mean(1)], tickets: outage.tickets,
        label: t('map.outage', { n: outage.n, where: outage.where, age: duration(outage.spanMs), p: outage.p }),
      }]
    })
  }, [outages, tickets, t, duration])
}

// The map begins when the list is on the screen: it takes the processor for itself.
function useListed(there: boolean): boolean {
  const [listed, setListed] = useState(false)
  useEffect(() => {
    if (!there) return
    let live = true
    void painted().then(() => { if (live) setListed(true) })
    return () => { live = false }
  }, [there])
  return listed
}

function useWide(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const query = matchMedia(WIDE)
      query.addEventListener('change', listener)
      return () => { query.removeEventListener('change', listener) }
    },
    () => matchMedia(WIDE).matches,
  )
}

// j, k move in the list, f and / go to the filters, Escape steps back.
function useMapKeys(keys: readonly string[], cursor: number | undefined, setCursor: (index: number) => void, reset: () => void): void {
  const { go } = useShared()
  const state = useRef({ keys, cursor, setCursor, reset })
  state.current = { keys, cursor, setCursor, reset }
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const { keys: all, cursor: at, setCursor: move, reset: clear } = state.current
      if (event.key === 'j') move(Math.min(all.length - 1, (at ?? -1) + 1))
      else if (event.key === 'k') move(Math.max(0, (at ?? 1) - 1))
      else if (event.key === '/') document.getElementById('search')?.focus()
      else if (event.key === 'f') document.querySelector<HTMLElement>('.filters select')?.focus()
      else if (event.key === 'Escape') { go((v) => (v.ticket === null ? { vehicle: null } : { ticket: null })); clear() }
      else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => { removeEventListener('keydown', onKey) }
  }, [go])
}

function useClosed(on: boolean): readonly Ticket[] {
  const { now } = useShared()
  const dashboard = useDashboard({ window: 'custom', from: dateOf(dayStart(now) - 2 * DAY), to: null }, on)
  const closed = dashboard.data?.closed?.features
  return useMemo(() => (on && closed ? closed.map((feature) => ticketOf(feature)) : NOTHING), [on, closed])
}
