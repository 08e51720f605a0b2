// One ticket: its deadline summed up in words, what happened and which file says so, and what one can do.
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { json, Problem } from '../api'
import { useWords, type MessageKey } from '../i18n'
import { en } from '../i18n/en'
import { evidence, stateAt } from '../model/sla'
import { keyOf, teamOf, type Ticket } from '../model/ticket'
import { AssignButton } from './Assign'
import { StateWord } from './Shape'
import { useShared } from './state'
import { Failed } from './States'
import { ageOf } from './TicketList'
import { NearVehicles } from './Vehicles'

interface Event { at: string | null; what: string; file: string | null; detail: string | null }

export function Drawer({ ticket, id }: { ticket: Ticket | null; id: string }) {
  const { go, view } = useShared()
  const { t } = useWords()
  const box = useRef<HTMLElement>(null)
  const plainId = id.split(':').slice(1).join(':')
  useEffect(() => {
    const before = document.activeElement
    box.current?.focus()
    return () => { if (before instanceof HTMLElement && before.isConnected) before.focus() }
  }, [id])
  return (
    <aside className="drawer" aria-label={t('drawer.label', { id: plainId })} ref={box} tabIndex={-1}>
      <header>
        <h2>{plainId}</h2>
        <button className="button square" aria-label={t('drawer.close')} onClick={() => { go({ ticket: null }) }}>×</button>
      </header>
      {ticket === null ? <p className="soft">{t('drawer.gone', { id: plainId })}</p> : <Actions ticket={ticket} />}
      {ticket !== null && <Deadline ticket={ticket} />}
      {ticket !== null && <Facts ticket={ticket} />}
      {ticket !== null && view.at === null && <NearVehicles ticket={ticket} />}
      <Timeline id={plainId} dataset={id.split(':')[0] ?? 'inc'} />
    </aside>
  )
}

function Actions({ ticket }: { ticket: Ticket }) {
  const { t } = useWords()
  const { view } = useShared()
  const [copied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(ticket.id)
    setCopied(true)
    setTimeout(() => { setCopied(false) }, 2000)
  }
  const point = ticket.point
  return (
    <div className="acts">
      {/* The feed has no telephone number; a phone dials one only where the place's own text holds it. */}
      {phoneIn(ticket.location) !== null && <a className="button main" href={`tel:${phoneIn(ticket.location) ?? ''}`}>{t('drawer.call')}</a>}
      {point !== null && (
        <a className="button" href={directions(point, ticket.id)} target="_blank" rel="noreferrer">{t('drawer.directions')}</a>
      )}
      {view.at === null && <AssignButton ticketKey={ticket.key} />}
      <button className="button" onClick={() => void copy()}>{copied ? t('drawer.copied') : t('drawer.copy')}</button>
    </div>
  )
}

// A phone opens its own navigation; a desk has none and gets a route on OpenStreetMap, when it is clicked.
function directions([lon, lat]: [number, number], id: string): string {
  return matchMedia('(pointer: coarse)').matches
    ? `geo:${lat},${lon}?q=${lat},${lon}(${encodeURIComponent(id)})`
    : `https://www.openstreetmap.org/directions?to=${lat}%2C${lon}`
}

export function phoneIn(text: string | null): string | null {
  const found = /(?:\+?254|\b0)[17]\d{2}[ -]?\d{3}[ -]?\d{3}\b/.exec(text ?? '')
  return found === null ? null : found[0].replace(/[ -]/g, '')
}

function Deadline({ ticket }: { ticket: Ticket }) {
  const { now, clocks } = useShared()
  const words = useWords()
  const { t, time, hours } = words
  const state = stateAt(ticket, now)
  const ends = clocks.contentAsOf[ticket.dataset]
  const known = evidence(ticket, now, ends)
  return (
    <section>
      <h3>{t('drawer.sla')}</h3>
      <div className="callout" data-state={state}>
        <p><StateWord state={state} />{known !== null && ` · ${t(`sla.${known}`)}`} · {ageOf(ticket, now, words)}</p>
        {state === 'unknown' && <p className="soft">{t('drawer.unknown')}</p>}
        {state === 'none' && <p className="soft">{t('drawer.nosla')}</p>}
        {ticket.dueAt !== null && ticket.openedAt !== null && (
          <p>{t('drawer.sum', {
            clock: `${t(ticket.ageBound === 'exact' ? 'drawer.opened' : 'drawer.first_seen')} ${time(ticket.openedAt)}`,
            target: hours(ticket.dueAt - ticket.openedAt), due: time(ticket.dueAt),
          })}</p>
        )}
        {ticket.ageBound === 'at_least' && <p className="soft">{t('drawer.bound')}</p>}
        {known === 'presumed' && ends !== null && <p className="soft">{t('drawer.presumed', { time: time(ends) })}</p>}
        {known === 'proven' && <p className="soft">{t('drawer.proven')}</p>}
      </div>
    </section>
  )
}

function Facts({ ticket }: { ticket: Ticket }) {
  const { t, time, distance } = useWords()
  const place = t(`geo.${ticket.geoSource}`, { m: ticket.radiusM === null ? '' : distance(ticket.radiusM) })
  const facts: [string, string | null][] = [
    [t('drawer.status'), ticket.status],
    [t('drawer.team'), teamOf(ticket) ?? t('list.noteam')],
    [t('drawer.owner'), ticket.owner],
    [t('drawer.cluster'), ticket.cluster ?? t('value.none')],
    [t('drawer.region'), ticket.region],
    [t('drawer.location'), [ticket.location, `${place}${ticket.verified ? `, ${t('geo.verified')}` : ''}`].filter(Boolean).join(' · ')],
    [t('event.scheduled'), ticket.scheduledAt === null ? null : time(ticket.scheduledAt)],
  ]
  return (
    <section>
      <h3>{t('drawer.facts')}</h3>
      <dl className="facts">
        {facts.map(([name, value]) => value !== null && value !== '' && (
          <div key={name} style={{ display: 'contents' }}><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
    </section>
  )
}

function Timeline({ id, dataset }: { id: string; dataset: string }) {
  const { live, view } = useShared()
  const { t, time } = useWords()
  const { data, error, refetch } = useQuery({
    queryKey: ['ticket', keyOf(dataset, id), live.rev, view.at],
    placeholderData: () => undefined,
    queryFn: ({ signal }) => json<Record<string, unknown>>(`/api/tickets/${encodeURIComponent(id)}${view.at === null ? '' : `?now=${new Date(view.at).toISOString()}`}`, { signal }),
  })
  // A ticket of which the server tells no story has none here; anything else that fails is said.
  if (error instanceof Problem && error.status === 404) return null
  if (error) return <Failed error={error} retry={() => void refetch()} />
  const events = timelineOf(data)
  if (events.length === 0) return null
  return (
    <section>
      <h3>{t('drawer.timeline')}</h3>
      <ol className="timeline">
        {events.map((event, i) => (
          <li key={i}>
            <div>
              <p><strong>{eventWord(event.what, t)}</strong>{event.detail === null ? '' : ` · ${event.detail}`}</p>
              <p className="soft">{event.at === null ? '' : time(Date.parse(event.at))}</p>
              {event.file !== null && <p className="file">{t('drawer.from', { file: event.file })}</p>}
            </div>
          </li>
        ))}
      </ol>
    </section>
  )
}

// The server names what happened in English; the catalogue has the words of the reader.
function eventWord(what: string, t: (key: MessageKey) => string): string {
  const key = `event.${what.replaceAll(' ', '_')}`
  return key in en ? t(key as MessageKey) : what
}

export function timelineOf(data: Record<string, unknown> | undefined): Event[] {
  const list = Array.isArray(data?.timeline) ? (data.timeline as Record<string, unknown>[]) : []
  const word = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  return list.map((one) => ({ at: word(one.at), what: word(one.what) ?? '', file: word(one.file), detail: word(one.detail) }))
}
