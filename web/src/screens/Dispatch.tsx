// Screen 8: who goes where next. A draft is made, looked at beside the habit it replaces, changed by hand, committed.
import { useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { flushSync } from 'react-dom'
import { Problem } from '../api'
import { Differ } from '../dispatch/Differ'
import { MakePlan, WhatIf } from '../dispatch/MakePlan'
import { Numbers } from '../dispatch/Numbers'
import { type Hands, Routes } from '../dispatch/Routes'
import { Sheets } from '../dispatch/Sheets'
import { Unassigned } from '../dispatch/Unassigned'
import { reasonWords } from '../dispatch/words'
import { useWords, type MessageKey, type Words } from '../i18n'
import { commit, draft, goOn, insert, type Offer, relock, useMayPlan, usePlan, usePlans, useTicketsById, whatIf } from '../live/plans'
import { useVehicles } from '../live/vehicles'
import { changesOf, type Listed, locked, type Locks, ofOpen, type Plan, routeOf, type Settings, toWorkOn, unlocked, USUAL } from '../model/plan'
import { isTyping } from '../ui/App'
import { Boundary } from '../ui/Boundary'
import { Drawer } from '../ui/Drawer'
import { Empty, Failed, Loading } from '../ui/States'
import { useShared } from '../ui/state'
import { useBasemap } from './data'

const PlanMap = lazy(() => import('../map/PlanMap'))
const TABS = ['routes', 'left', 'changes', 'whatif'] as const
type Tab = (typeof TABS)[number]
const OLD_MS = 30 * 60_000

interface Told { text: string; bad: boolean; act?: ReactNode }

export default function Dispatch() {
  const { view } = useShared()
  const plans = usePlans()
  const listed = plans.data?.plans
  const id = view.plan ?? (listed === undefined ? null : toWorkOn(listed)?.plan_id ?? null)
  const { plan, error, since, retry } = usePlan(id)
  // While another plan comes, the one before stays: what was just told of it is not lost.
  const last = useRef<Plan | null | undefined>(undefined)
  const shown = listed === undefined ? undefined : id === null ? null : plan ?? (error === null ? last.current : undefined)
  if (shown !== undefined) last.current = shown
  if (plans.error !== null && listed === undefined) return <div className="page"><Failed error={plans.error} since={plans.errorUpdatedAt} retry={() => void plans.refetch()} /></div>
  if (listed === undefined || (shown === undefined && error === null)) return <div className="page"><Loading /></div>
  if (shown === undefined) return <div className="page">{error instanceof Problem && error.status === 404 ? <NoSuchPlan id={id ?? 0} /> : <Failed error={error ?? new Error()} since={since} retry={retry} />}</div>
  return <Desk plans={listed} plan={shown} away={error !== null} />
}

function NoSuchPlan({ id }: { id: number }) {
  const { go } = useShared()
  const { t } = useWords()
  return <Empty text={t('plan.gone', { id })} action={<button className="button" onClick={() => { go({ plan: null }) }}>{t('plan.current')}</button>} />
}

function Desk({ plans, plan, away }: { plans: readonly Listed[]; plan: Plan | null; away: boolean }) {
  const { view, go, live, dark, now } = useShared()
  const words = useWords()
  const { t, time, duration } = words
  const fleet = useVehicles()
  const basemap = useBasemap()
  const [outlines, setOutlines] = useState(false)
  const mayPlan = useMayPlan()
  const tickets = useTicketsById(plan?.settings.datasets ?? USUAL.datasets)
  const [making, setMaking] = useState(false)
  const [stop, setStop] = useState<string | null>(null)
  const [offered, setOffer] = useState<{ n: number; fresh: Offer; revision: number } | null>(null)
  // An offer is for the plan as it was looked at; a plan that changed has none.
  const offer = offered !== null && offered.revision === plan?.revision ? offered : null
  const [asking, setAsking] = useState(false)
  const [tried, setTried] = useState<readonly Plan[]>([])
  const [phone, setPhone] = useState<'list' | 'map'>('list')
  const [mapError, setMapError] = useState<Error | null>(null)
  const [paper, setPaper] = useState(false)
  const { busy, told, tell, run } = useTask(plan)
  const tab: Tab = TABS.find((one) => one === view.tab) ?? 'routes'
  const known = live.tickets !== undefined && live.link !== 'offline'
  const isOpen = useCallback((ticket: string): boolean => !known || tickets.has(ticket), [known, tickets])
  const isDraft = plan?.state === 'draft'
  const may = mayPlan === true && isDraft && busy === null
  const committed = plans.find(({ state }) => state === 'committed') ?? null
  const overtaken = plan !== null && isDraft && (committed?.plan_id ?? null) !== plan.basedOn ? committed : null
  const closed = useMemo(() => (plan === null || !known ? [] : plan.routes.flatMap(({ stops }) => stops.map(({ ticket }) => ticket)).filter((ticket) => !tickets.has(ticket))), [plan, known, tickets])

  useEffect(() => { setAsking(false) }, [plan?.id, plan?.revision])
  useEffect(() => { setStop(null); setTried([]); setOffer(null) }, [plan?.id])
  useEffect(() => { if (plan !== null && view.plan === null) go({ plan: plan.id }, true) }, [plan, view.plan, go])

  const make = (settings: Settings): void => {
    void run('busy.plan', async () => {
      const made = await draft(settings)
      setMaking(false)
      go({ plan: made.id, vehicle: null, tab: null })
      return t('told.made', { id: made.id ?? 0, n: made.summary.assigned, saved: made.summary.saved, savable: made.summary.savable })
    })
  }
  const proceed = (from: number): void => {
    void run('busy.goon', async () => {
      const made = await goOn(from)
      go({ plan: made.id, tab: null })
      return t('told.goon', { id: made.id ?? 0, from })
    })
  }
  const change = (locks: Locks, said: (before: Plan, after: Plan) => string): void => {
    if (plan === null) return
    void run('busy.lock', async () => {
      const { plan: after } = await relock(plan, ofOpen(locks, isOpen), null)
      return said(plan, after)
    })
  }
  const hands: Hands = {
    move: may ? (ticket, vehicle, position) => {
      change(locked(plan, ticket, vehicle, position), (before, after) => {
        const to = routeOf(after, ticket)
        if (to !== null) { go({ vehicle: to.vehicle }, true); setStop(ticket) }
        return movedWords(ticket, before, after, words)
      })
    } : null,
    unlock: may ? (ticket) => { change(unlocked(plan.locks, ticket), (before, after) => `${t('told.unlocked', { ticket })} ${sideWords(ticket, before, after, words)}`) } : null,
  }
  const take = may ? (ticket: string): void => {
    void run('busy.insert', async () => {
      const { plan: after, unplaced } = await insert(plan, ticket)
      if (unplaced !== null) return { text: t('told.unplaced', { ticket, why: reasonWords(unplaced, words) }), bad: true }
      const to = routeOf(after, ticket)
      if (to !== null) { go({ vehicle: to.vehicle, tab: null }); setStop(ticket) }
      return insertedWords(ticket, plan, after, words)
    })
  } : null
  const improve = (mostMoved: number): void => {
    if (plan === null) return
    void run('busy.improve', async () => {
      const { plan: after, wouldMove, fresh } = await relock(plan, ofOpen(plan.locks, isOpen), mostMoved)
      if (mostMoved > 0 && wouldMove !== null && wouldMove <= mostMoved) return t('told.improved', { n: changesOf(plan, after).moved.length })
      if (wouldMove !== null && fresh !== null && wouldMove > 0) setOffer({ n: wouldMove, fresh, revision: after.revision })
      return wouldMove === 0 ? t('told.best') : null
    })
  }
  const doCommit = (): void => {
    if (plan === null) return
    setAsking(false)
    void run('busy.commit', async () => {
      const done = await commit(plan)
      return t('told.committed', { id: plan.id ?? 0, n: done.plan.summary.assigned }) + (done.closed.length === 0 ? '' : ` ${t('told.closed', { n: done.closed.length, tickets: done.closed.join(', ') })}`)
    })
  }
  const attempt = (settings: Settings): void => {
    void run('busy.whatif', async () => {
      const one = await whatIf(settings)
      setTried((before) => [...before, one])
      return null
    })
  }
  const print = useCallback(() => {
    flushSync(() => { setPaper(true) })
    window.print()
  }, [])
  useEffect(() => {
    const before = (): void => { flushSync(() => { setPaper(true) }) }
    addEventListener('beforeprint', before)
    return () => { removeEventListener('beforeprint', before) }
  }, [])

  const keys = useRef({ may, improve, setAsking, setMaking, print, escape: () => { /* set below */ } })
  keys.current = {
    may, improve, setAsking, setMaking, print,
    escape: () => {
      if (view.ticket !== null) go({ ticket: null })
      else if (asking || offer !== null || making) { setAsking(false); setOffer(null); setMaking(false) }
      else if (stop !== null) setStop(null)
      else go({ vehicle: null }, true)
    },
  }
  useDispatchKeys(keys)

  if (plan === null || making) {
    return (
      <div className="page">
        <header><h1>{t('screen.dispatch')}</h1></header>
        <Status busy={busy} told={told} close={() => { tell(null) }} />
        {plan === null && !making && <p className="soft lead">{t('plan.first')}</p>}
        {mayPlan === false ? <Empty text={t('plan.forbidden')} /> : (
          <MakePlan fleet={fleet} settings={plan?.settings ?? USUAL} busy={busy !== null} submit={make} cancel={plan === null ? null : () => { setMaking(false) }} />
        )}
      </div>
    )
  }
  const chosenRoute = plan.routes.find(({ vehicle }) => vehicle === view.vehicle) ?? null
  const age = now - plan.plannedFor
  const file = (ending: string): string => `/api/dispatch/plans/${plan.id ?? 0}/export.${ending}`
  return (
    <>
      <div className="planbar">
        <h1 className="hidden">{t('screen.dispatch')}</h1>
        <label className="field">
          <span className="hidden">{t('plan.choose')}</span>
          <select value={plan.id ?? ''} onChange={(event) => { go({ plan: Number(event.target.value), vehicle: null }) }}>
            {plans.some(({ plan_id }) => plan_id === plan.id) ? null : <option value={plan.id ?? ''}>{plan.id}</option>}
            {plans.map((one) => <option key={one.plan_id} value={one.plan_id}>{t('plan.name', { id: one.plan_id, state: t(`plan.${one.state}`), time: time(Date.parse(one.planned_for), now) })}</option>)}
          </select>
        </label>
        <span className="badge" data-state={plan.state}>{t(`plan.${plan.state}`)}</span>
        <span className="soft">{plan.state === 'committed' && plan.committedAt !== null ? t('plan.committed.by', { name: plan.committedBy ?? '', time: time(plan.committedAt, now) }) : t('plan.made', { name: plan.createdBy, time: time(plan.plannedFor, now) })}</span>
        <span className="acts">
          {isDraft && <button className="button" disabled={!may} aria-keyshortcuts="o" onClick={() => { improve(0) }}>{t('plan.improve')} <kbd>o</kbd></button>}
          {!isDraft && mayPlan === true && <button className="button" disabled={busy !== null} onClick={() => { proceed(plan.id ?? 0) }}>{t('plan.goon')}</button>}
          <button className="button" disabled={mayPlan !== true || busy !== null} aria-keyshortcuts="n" onClick={() => { setMaking(true) }}>{t('plan.new')} <kbd>n</kbd></button>
          <button className="button" aria-keyshortcuts="p" onClick={print}>{chosenRoute === null ? t('plan.print') : t('plan.print.one', { name: chosenRoute.label })} <kbd>p</kbd></button>
          <a className="button" href={file('gpx')} download>GPX</a>
          <a className="button" href={file('geojson')} download>GeoJSON</a>
          {isDraft && <button className="button main" disabled={!may} aria-keyshortcuts="c" onClick={() => { setAsking(true) }}>{t('plan.commit')} <kbd>c</kbd></button>}
        </span>
      </div>
      <div className="notes">
        <Status busy={busy} told={told} close={() => { tell(null) }} />
        {mayPlan === false && <p className="note soft">{t('plan.forbidden')}</p>}
        {view.at !== null && <p className="note soft">{t('plan.past')}</p>}
        {away && <p className="note bad" role="status">{t('plan.away')}</p>}
        {overtaken !== null && (
          <p className="note bad" role="alert" data-note="overtaken">
            {t('plan.overtaken', { id: overtaken.plan_id, name: overtaken.committed_by ?? '', time: time(Date.parse(overtaken.committed_at ?? ''), now) })}{' '}
            <button className="button" onClick={() => { go({ tab: 'changes' }) }}>{t('plan.compare')}</button>{' '}
            <button className="button" disabled={busy !== null || mayPlan !== true} onClick={() => { proceed(overtaken.plan_id) }}>{t('plan.goon.from', { id: overtaken.plan_id })}</button>
          </p>
        )}
        {closed.length > 0 && plan.state !== 'superseded' && (
          <p className="note" data-note="closed">
            {t('plan.closedsince', { n: closed.length, tickets: closed.slice(0, 4).join(', ') + (closed.length > 4 ? ' …' : '') })}{' '}
            {isDraft && <button className="button" disabled={!may} onClick={() => { change(plan.locks, (before, after) => t('told.tidied', { n: changesOf(before, after).dropped.length, added: changesOf(before, after).added.length })) }}>{t('plan.tidy')}</button>}
          </p>
        )}
        {age > OLD_MS && plan.state !== 'superseded' && (
          <p className="note" data-note="old">
            {t('plan.old', { age: duration(age) })}{' '}
            {mayPlan === true && <button className="button" disabled={busy !== null} onClick={() => { proceed(plan.id ?? 0) }}>{t('plan.goon')}</button>}
          </p>
        )}
        {asking && (
          <div className="note ask" role="alertdialog" aria-label={t('plan.commit')}>
            <p>{t('plan.commit.ask', { id: plan.id ?? 0, n: plan.summary.assigned, vehicles: plan.summary.vehicles })}{committed === null ? '' : ` ${t('plan.commit.replaces', { id: committed.plan_id })}`}</p>
            <button className="button main" autoFocus onClick={doCommit}>{t('plan.commit.yes')}</button> <button className="button" onClick={() => { setAsking(false) }}>{t('make.cancel')}</button>
          </div>
        )}
        {offer !== null && (
          <div className="note ask" role="alertdialog" aria-label={t('plan.improve')} data-offer={offer.n}>
            <p>{offerWords(offer, plan, words)}</p>
            <button className="button main" autoFocus onClick={() => { improve(offer.n) }}>{t('plan.offer.yes', { n: offer.n })}</button> <button className="button" onClick={() => { setOffer(null) }}>{t('plan.offer.no')}</button>
          </div>
        )}
      </div>
      <div className="split dispatch" data-phone={phone}>
        <section className="list" aria-label={t('plan.routes')}>
          <Numbers plan={plan} />
          <div className="segments tabs4" role="group" aria-label={t('screen.dispatch')}>
            {TABS.map((one) => (
              <button key={one} aria-pressed={tab === one} onClick={() => { go({ tab: one === 'routes' ? null : one }) }}>
                {t(`plan.tab.${one}`, { n: one === 'routes' ? plan.summary.vehicles : plan.left.length })}
              </button>
            ))}
          </div>
          <div className="pane">
            {tab === 'routes' && <Routes plan={plan} tickets={tickets} known={known} chosen={stop} onStop={setStop} hands={hands} />}
            {tab === 'left' && <Unassigned plan={plan} tickets={tickets} insert={take} />}
            {tab === 'changes' && <Differ plan={plan} plans={plans} />}
            {tab === 'whatif' && <WhatIf plan={plan} fleet={fleet} busy={busy !== null} tried={tried} attempt={attempt} keep={mayPlan === true ? make : null} />}
          </div>
          <button className="button only-phone floating" onClick={() => { setPhone('map') }}>{t('screen.map')}</button>
        </section>
        <section className="mapside" aria-label={t('plan.map')}>
          {mapError === null ? (
            <Boundary of="map"><Suspense fallback={<div className="state"><span className="soft">{t('loading')}</span></div>}>
              <PlanMap
                plan={plan} chosenVehicle={view.vehicle} chosenTicket={stop} dark={dark} basemap={basemap} onBasemap={(there) => { setOutlines(!there) }} label={t('plan.map')}
                words={{ in: t('map.in'), out: t('map.out'), all: t('map.all') }} onFailed={setMapError}
                onVehicle={(vehicle) => { go({ vehicle }, true) }} onStop={(vehicle, ticket) => { go({ vehicle, tab: null }, true); setStop(ticket) }}
              />
            </Suspense></Boundary>
          ) : <Empty text={t('error.map')} />}
          <Legend />
          {basemap !== null && !outlines ? null : <p className="credit">{outlines && `${t('map.outlines')} · `}{t('map.attribution')}</p>}
          <button className="button only-phone" style={{ position: 'absolute', left: 12, top: 12 }} onClick={() => { setPhone('list') }}>{t('plan.routes')}</button>
        </section>
        {view.ticket !== null && <Drawer ticket={live.tickets?.find(({ key }) => key === view.ticket) ?? null} id={view.ticket} />}
      </div>
      {paper && <Sheets plan={plan} routes={chosenRoute === null ? plan.routes : [chosenRoute]} tickets={tickets} vehicles={fleet.vehicles ?? []} />}
    </>
  )
}

interface Busy { what: MessageKey; since: number }

// One thing after the other, each with what came of it. A conflict is told by what the plans are now.
function useTask(plan: Plan | null) {
  const { t } = useWords()
  const client = useQueryClient()
  const [busy, setBusy] = useState<Busy | null>(null)
  const [told, tell] = useState<Told | null>(null)
  const run = async (what: MessageKey, work: () => Promise<string | Told | null>): Promise<void> => {
    if (busy !== null) return
    setBusy({ what, since: Date.now() })
    tell(null)
    try {
      const said = await work()
      await again(client)
      if (said !== null) tell(typeof said === 'string' ? { text: said, bad: false } : said)
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem
      await again(client)
      tell({ text: problem.status === 403 ? t('plan.forbidden') : problem.status === 409 ? conflictWords(plan, client.getQueryData<{ plans: Listed[] }>(['plans'])?.plans ?? [], t) : problem.message, bad: true })
    } finally {
      setBusy(null)
    }
  }
  return { busy, told, tell, run }
}

function conflictWords(plan: Plan | null, plans: readonly Listed[], t: Words['t']): string {
  const now = plans.find(({ plan_id }) => plan_id === plan?.id)
  return now !== undefined && now.state !== 'draft' ? t('told.conflict.state', { id: now.plan_id }) : t('told.conflict')
}

async function again(client: ReturnType<typeof useQueryClient>): Promise<void> {
  await Promise.all([client.invalidateQueries({ queryKey: ['plans'] }), client.invalidateQueries({ queryKey: ['plan'] }), client.invalidateQueries({ queryKey: ['vehicles'] })])
}

function Status({ busy, told, close }: { busy: Busy | null; told: Told | null; close: () => void }) {
  const { t, number } = useWords()
  const [, tick] = useState(0)
  useEffect(() => {
    if (busy === null) return
    const timer = setInterval(() => { tick((n) => n + 1) }, 1000)
    return () => { clearInterval(timer) }
  }, [busy])
  return (
    <>
      <div role="status" className="status" data-told={told !== null} data-bad={told?.bad}>
        {busy !== null ? <p className="note working">{t(busy.what)} {number(Math.floor((Date.now() - busy.since) / 1000))} s</p>
          : told !== null && <p className={told.bad ? 'note bad' : 'note good'}>{told.text} <button className="button plain square" aria-label={t('drawer.close')} onClick={close}>×</button></p>}
      </div>
    </>
  )
}

// What moved beside the ticket itself: nothing, or each of it by name.
function sideWords(ticket: string, before: Plan, after: Plan, { t }: Words): string {
  const { moved, dropped, added } = changesOf(before, after)
  const others = [...moved.map(([one]) => one), ...dropped].filter((one) => one !== ticket)
  const came = added.map(([one]) => one).filter((one) => one !== ticket)
  return [others.length === 0 ? t('told.nothing') : t('told.others', { n: others.length, tickets: others.slice(0, 5).join(', ') }), ...(came.length === 0 ? [] : [t('told.came', { n: came.length, tickets: came.slice(0, 5).join(', ') })])].join(' ')
}

function movedWords(ticket: string, before: Plan, after: Plan, words: Words): string {
  const to = routeOf(after, ticket)
  const stop = to?.stops.find((one) => one.ticket === ticket)
  const left = after.left.find((one) => one.ticket === ticket)
  const head = to !== null && stop !== undefined ? words.t('told.locked', { ticket, name: to.label, position: stop.position })
    : words.t('told.unplaced', { ticket, why: left === undefined ? '' : reasonWords(left, words) })
  return `${head} ${sideWords(ticket, before, after, words)}`
}

export function insertedWords(ticket: string, before: Plan, after: Plan, words: Words): string {
  const to = routeOf(after, ticket)
  const stop = to?.stops.find((one) => one.ticket === ticket)
  return `${words.t('told.inserted', { ticket, name: to?.label ?? '', position: stop?.position ?? 0, time: words.time(stop?.arrivesAt ?? null) })} ${sideWords(ticket, before, after, words)}`
}

function offerWords({ n, fresh }: { n: number; fresh: Offer }, { summary }: Plan, { t, distance, number }: Words): string {
  const signed = (value: number, say: (size: number) => string): string => `${value > 0 ? '+' : value < 0 ? '−' : '±'}${say(Math.abs(value))}`
  return t('plan.offer', {
    n, reordered: fresh.reordered, saved: signed(fresh.saved - summary.saved, (size) => number(size)),
    assigned: signed(fresh.assigned - summary.assigned, (size) => number(size)), m: signed(fresh.distance_m - summary.distance_m, distance),
  })
}

function Legend() {
  const { t } = useWords()
  return (
    <details className="legend planlegend">
      <summary>{t('map.legend')}</summary>
      <ul>
        <li>● {t('plan.legend.intime')}</li>
        <li>▲ {t('plan.legend.close')}</li>
        <li>◆ {t('plan.legend.missed')}</li>
        <li>◇ {t('plan.legend.late')}</li>
        <li>■ {t('plan.legend.free')}</li>
        <li className="soft">{t('plan.legend.left')}</li>
        <li className="soft">{t('plan.legend.line')}</li>
      </ul>
    </details>
  )
}

interface Keys { may: boolean; improve: (most: number) => void; setAsking: (on: boolean) => void; setMaking: (on: boolean) => void; print: () => void; escape: () => void }

function useDispatchKeys(keys: { current: Keys }): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || event.defaultPrevented) return
      const { may, improve, setAsking, setMaking, print, escape } = keys.current
      if (event.key === 'j' || event.key === 'k') step(event.key === 'j' ? 1 : -1)
      else if (event.key === 'o' && may) improve(0)
      else if (event.key === 'c' && may) setAsking(true)
      else if (event.key === 'n') setMaking(true)
      else if (event.key === 'p') print()
      else if (event.key === 'Escape') escape()
      else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => { removeEventListener('keydown', onKey) }
  }, [keys])
}

// The next vehicle or stop of the list, as it is seen.
function step(by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>('.routehead, .stop')]
  const at = all.indexOf(document.activeElement as HTMLElement)
  all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus()
}

