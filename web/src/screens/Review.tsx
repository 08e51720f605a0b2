// Screen 5: places that wait for a person, those that move most tickets first; one key a decision.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { json, post, Problem } from '../api'
import { useWords, type MessageKey } from '../i18n'
import { en } from '../i18n/en'
import { isTyping } from '../ui/App'
import { useShared } from '../ui/state'
import { Credits } from '../ui/Credits'
import { Empty, Failed, Loading } from '../ui/States'

const PinMap = lazy(() => import('../map/PinMap'))

export interface Waiting {
  reason: string
  kind: 'location' | 'cluster'
  cluster: string
  decision_key: string | null
  place: string
  sample: string[]
  tickets: number
  open: number
  lat: number | null
  lon: number | null
  dist_m: number | null
  similarity: number | null
  provider: string | null
  query: string | null
  note: string | null
  candidates: Candidate[] | null
  // Of the tickets, those whose point is not the feed's own: they would move.
  moves: number
  centre_lat: number | null
  centre_lon: number | null
}

interface Candidate {
  name: string
  label: string
  lat: number
  lon: number
  similarity: number
  dist_m: number | null
  provider: string
}

interface Decision {
  who: string
  action: string
  cluster: string
  decision_key: string | null
}

type Action = 'accept' | 'reject' | 'move' | 'keep-cluster' | 'undo'

interface Decided {
  action: string
  tickets_moved: Record<string, number>
}

const ACTIONS: [string, Action, MessageKey][] = [
  ['a', 'accept', 'review.accept'], ['r', 'reject', 'review.reject'], ['m', 'move', 'review.move'],
  ['c', 'keep-cluster', 'review.keep'], ['u', 'undo', 'review.undo'],
]

export default function Review() {
  const { live, dark } = useShared()
  const { t, number, percent, distance } = useWords()
  const client = useQueryClient()
  const { data, error, errorUpdatedAt, refetch, isPending } = useQuery({
    queryKey: ['review', live.rev],
    queryFn: ({ signal }) => json<{ queue: Waiting[]; decided: Decision | null }>('/api/geocode/review', { signal }),
  })
  const [skipped, setSkipped] = useState<ReadonlySet<string>>(new Set())
  const [chosen, setChosen] = useState<string | null>(null)
  const [pin, setPin] = useState<[number, number] | null>(null)
  const [moving, setMoving] = useState(false)
  const [told, setTold] = useState<{ text: string; bad: boolean } | null>(null)
  const [offer, setOffer] = useState(0)
  const [busy, setBusy] = useState(false)

  const queue = useMemo(() => [...(data?.queue ?? [])].sort((a, b) => Number(skipped.has(nameOf(a))) - Number(skipped.has(nameOf(b))) || b.open - a.open || b.tickets - a.tickets), [data, skipped])
  const waiting = queue.find((one) => nameOf(one) === chosen) ?? queue[0]
  const name = waiting === undefined ? null : nameOf(waiting)
  // What may be accepted: the candidates, or the one point that an older decision proposes.
  const offers = useMemo((): Candidate[] => {
    if (waiting === undefined) return []
    if (waiting.candidates !== null && waiting.candidates.length > 0) return waiting.candidates
    if (waiting.lat === null || waiting.lon === null) return []
    return [{ name: waiting.place, label: waiting.note ?? '', lat: waiting.lat, lon: waiting.lon, similarity: waiting.similarity ?? 0, dist_m: waiting.dist_m, provider: waiting.provider ?? '' }]
  }, [waiting])
  const last = data?.decided ?? null
  useEffect(() => {
    setPin(null)
    setMoving(false)
    setOffer(0)
  }, [name])

  const decide = async (action: Action): Promise<void> => {
    const about = action === 'undo' ? last : waiting
    if (about === undefined || about === null || busy) return
    const chosen = offers[offer]
    if (action === 'accept' && chosen === undefined) return
    if (action === 'move' && pin === null) {
      setMoving(true)
      return
    }
    setBusy(true)
    try {
      const done = await post<Decided>('/api/geocode/review', {
        cluster: about.cluster, decision_key: about.decision_key, action,
        ...(action === 'move' && pin !== null ? { lon: pin[0], lat: pin[1] } : {}),
        ...(action === 'accept' && waiting?.candidates?.[offer] !== undefined ? { lon: chosen?.lon, lat: chosen?.lat } : {}),
      })
      const moved = Object.values(done.tickets_moved).reduce((a, b) => a + b, 0)
      setTold({ text: t('review.done', { name: 'place' in about ? about.place : about.decision_key ?? about.cluster, decision: t(ACTIONS.find(([, one]) => one === action)?.[2] ?? 'review.accept'), n: moved }), bad: false })
      setPin(null)
      await Promise.all([client.invalidateQueries({ queryKey: ['review'] }), client.invalidateQueries({ queryKey: ['credits'] })])
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem
      setTold({ text: problem.status === 403 ? t('review.forbidden') : problem.message, bad: true })
    } finally {
      setBusy(false)
    }
  }
  const skip = (): void => {
    if (name === null) return
    setSkipped((before) => new Set(before).add(name))
    setChosen(null)
  }

  const points = useMemo(() => offers.map(({ lon, lat }): [number, number] => [lon, lat]), [offers])
  const step = (by: number): void => {
    const next = queue[queue.findIndex((one) => one === waiting) + by]
    if (next !== undefined) setChosen(nameOf(next))
  }
  const keys = useRef({ decide, skip, step })
  keys.current = { decide, skip, step }
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const action = ACTIONS.find(([key]) => key === event.key)?.[1]
      if (action !== undefined) void keys.current.decide(action)
      else if (event.key === 's') keys.current.skip()
      else if (event.key === 'j' || event.key === 'k') keys.current.step(event.key === 'j' ? 1 : -1)
      else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => { removeEventListener('keydown', onKey) }
  }, [])

  return (
    <>
      <header>
        <h1>{t('screen.review')}</h1>
        <p role="status" className={told?.bad ? 'bad' : ''} data-told={told !== null}>{told?.text}</p>
      </header>
      {error !== null && <div className="panel"><Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} /></div>}
      {isPending && <div className="panel"><Loading /></div>}
      {data !== undefined && waiting === undefined && (
        <div className="panel"><Empty text={t('review.empty')} action={last !== null && <button className="button" onClick={() => void decide('undo')}>{t('review.undo')}</button>} /></div>
      )}
      {waiting !== undefined && (
        <div className="review">
          <nav className="queue" aria-label={t('review.title')}>
            {queue.map((one) => (
              <button key={nameOf(one)} aria-current={one === waiting} onClick={() => { setChosen(nameOf(one)) }}>
                <strong>{one.place}</strong>
                <span className="soft">{one.cluster} · {reasonWord(one.reason, t)}</span>
                <span>{t('review.touches', { n: one.moves })}</span>
              </button>
            ))}
          </nav>
          <section className="case" aria-label={waiting.place}>
            <dl className="facts">
              <dt>{t('review.raw')}</dt><dd className="sample">{waiting.sample.map((text) => <span key={text}>{text}</span>)}</dd>
              <dt>{t('review.cleaned')}</dt><dd><strong>{waiting.place}</strong>{waiting.query === null ? '' : ` · ${waiting.query}`}{waiting.provider === null ? '' : ` · ${waiting.provider}`}</dd>
              <dt>{t('review.reason')}</dt>
              <dd>
                {reasonWord(waiting.reason, t)}
                {waiting.dist_m !== null && ` · ${t('review.distance', { km: number(waiting.dist_m / 1000, 1), cluster: waiting.cluster })}`}
              </dd>
              <dt>{t('review.effect.label')}</dt>
              <dd>
                <strong>{t('review.effect', { n: confirms(waiting, offers[offer], pin) ? 0 : waiting.moves })}</strong>{' '}
                <span className="soft">{t('review.effect.of', { open: number(waiting.open), tickets: number(waiting.tickets) })}</span>
              </dd>
            </dl>
            {offers.length === 0 ? <p className="soft">{t('review.candidates.none')}</p> : (
              <div className="offers" role="radiogroup" aria-label={t('review.candidates')}>
                {offers.map((one, i) => (
                  <label key={`${one.lat},${one.lon}`} data-offer={i}>
                    <input type="radio" name="offer" checked={offer === i} onChange={() => { setOffer(i); setPin(null); setMoving(false) }} />
                    <b>{i + 1}</b>
                    <span><strong>{one.name}</strong> <span className="soft">{one.label}</span></span>
                    <span className="soft">
                      {[one.dist_m === null ? '' : t('review.away', { distance: distance(one.dist_m) }), t('review.alike', { p: percent(one.similarity) }), one.provider].filter(Boolean).join(' · ')}
                    </span>
                  </label>
                ))}
              </div>
            )}
            <div className="mapside">
              <Suspense fallback={<Loading rows={3} />}>
                <PinMap
                  key={name} dark={dark} label={t('review.move.hint')} moving={moving}
                  offers={points} chosen={offer} pin={pin}
                  centre={waiting.centre_lat === null || waiting.centre_lon === null ? null : [waiting.centre_lon, waiting.centre_lat]}
                  onPin={(point) => { setPin(point); setMoving(true) }}
                />
              </Suspense>
              <Credits />
            </div>
            <div className="acts">
              {moving && <Coordinates pin={pin} onPin={setPin} />}
              {ACTIONS.map(([key, action, word]) => (
                <button
                  key={action} className={action === 'accept' ? 'button main' : 'button'} aria-keyshortcuts={key}
                  disabled={busy || (action === 'accept' && offers.length === 0) || (action === 'undo' && last === null)}
                  onClick={() => void decide(action)}
                >
                  {t(word)} <kbd>{key}</kbd>
                </button>
              ))}
              <button className="button" aria-keyshortcuts="s" onClick={skip}>{t('review.skip')} <kbd>s</kbd></button>
            </div>
          </section>
        </div>
      )}
    </>
  )
}

function Coordinates({ pin, onPin }: { pin: [number, number] | null; onPin: (pin: [number, number]) => void }) {
  const { t } = useWords()
  const [lon, lat] = pin ?? [36.82, -1.28]
  return (
    <span className="field">
      <span className="soft">{t('review.move.hint')}</span>
      <label>{t('review.lat')} <input className="button" type="number" step="0.0001" value={lat} onChange={(event) => { onPin([lon, event.target.valueAsNumber || 0]) }} /></label>
      <label>{t('review.lon')} <input className="button" type="number" step="0.0001" value={lon} onChange={(event) => { onPin([event.target.valueAsNumber || 0, lat]) }} /></label>
    </span>
  )
}

// Accepting the point that a cluster has already moves nothing: it is confirmed.
function confirms({ kind, centre_lat, centre_lon }: Waiting, offer: Candidate | undefined, pin: [number, number] | null): boolean {
  if (kind !== 'cluster' || pin !== null || offer === undefined || centre_lat === null || centre_lon === null) return false
  return Math.abs(offer.lat - centre_lat) < 1e-5 && Math.abs(offer.lon - centre_lon) < 1e-5
}

function nameOf(waiting: Waiting): string {
  return [waiting.kind, waiting.cluster, waiting.decision_key ?? ''].join('|')
}

function reasonWord(reason: string, t: (key: MessageKey) => string): string {
  const key = `review.reason.${reason}`
  return key in en ? t(key as MessageKey) : reason
}
