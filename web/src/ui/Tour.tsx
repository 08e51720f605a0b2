// The demo's five steps, and the key that breaks its feed. Only a demo's server is asked for any of this.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { json, post, Problem } from '../api'
import { useWords } from '../i18n'
import { begin, keep, lastTuesday, observe, recall, STEPS, type Tour as State } from '../model/tour'
import { isTyping } from './App'
import { Shape } from './Shape'
import { headline, useShared } from './state'

interface Demo {
  began: string
  now: string
  phase: 'replay' | 'live'
  explain: string | null
  broken: boolean
}

const ASK_EVERY_MS = 1500

export default function Tour() {
  const shared = useShared()
  const { view, freshness, now, store } = shared
  const queries = useQueryClient()
  const { data: demo } = useQuery({
    queryKey: ['demo'], queryFn: () => json<Demo>('/api/demo', { cache: 'no-store' }), refetchInterval: ASK_EVERY_MS, staleTime: 0,
  })
  const [tour, setTour] = useState<State>(() => begin(''))
  const [copied, setCopied] = useState(false)
  const [failed, setFailed] = useState<string | null>(null)

  useEffect(() => {
    if (demo !== undefined) store.keepTime(Date.parse(demo.now))
  }, [demo, store])
  const began = demo?.began
  useEffect(() => {
    if (began !== undefined) setTour((known) => (known.demo === began ? known : recall(began)))
  }, [began])

  const { verdict } = headline(shared, view.filter.dataset)
  const feedIsLate = view.at === null && verdict.level !== 'ok' && verdict.reason.startsWith('feed_')
  const broken = demo?.broken ?? false
  // Not the instant that the slider shows.
  const present = demo === undefined ? now : Date.parse(demo.now)
  useEffect(() => {
    if (tour.demo === '') return
    setTour((known) => observe(known, { ticket: view.ticket, basis: view.basis, at: view.at, now: present, broken, feedIsLate, copied }))
  }, [tour.demo, tour.at, view.ticket, view.basis, view.at, present, broken, feedIsLate, copied])
  useEffect(() => {
    if (tour.demo !== '') keep(tour)
  }, [tour])

  const toggle = useCallback(async () => {
    try {
      const told = await post<Demo>('/api/demo/feed', { broken: !broken })
      setFailed(null)
      queries.setQueryData(['demo'], told)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      setFailed(error.message)
    }
  }, [broken, queries])
  const skip = useCallback(() => { setTour((known) => ({ ...known, skipped: true })) }, [])
  useDemoKeys(demo?.phase === 'live', toggle, !tour.skipped && view.ticket === null && view.vehicle === null, skip)

  if (demo === undefined || tour.demo === '') return null
  if (tour.skipped) return <Broken broken={broken} />
  return (
    <Strip tour={tour} go={(at) => { setTour({ ...tour, at }) }} skip={skip}>
      <Text tour={tour} demo={demo} ends={freshness.inc.contentAsOf} feedIsLate={feedIsLate} failed={failed} copied={copied} onCopied={() => { setCopied(true) }} />
    </Strip>
  )
}

function Strip({ tour, go, skip, children }: { tour: State; go: (at: number) => void; skip: () => void; children: React.ReactNode }) {
  const { t } = useWords()
  const isLast = tour.at === STEPS.length - 1
  return (
    <section className="tour" aria-label={t('tour.label')}>
      <ol>
        {STEPS.map((step, i) => (
          <li key={step} aria-current={i === tour.at ? 'step' : undefined} data-done={tour.done.includes(step)}>
            <span aria-hidden="true">{tour.done.includes(step) ? '✓' : i + 1}</span>
            <span className="hidden">{t('tour.step', { n: i + 1, of: STEPS.length })}{tour.done.includes(step) ? `, ${t('tour.done')}` : ''}</span>
          </li>
        ))}
      </ol>
      <div className="words" role="status">{children}</div>
      <div className="moves">
        {tour.at > 0 && <button className="button plain" onClick={() => { go(tour.at - 1) }}>{t('tour.back')}</button>}
        <button className="button main" onClick={() => { if (isLast) skip(); else go(tour.at + 1) }}>{t(isLast ? 'tour.end' : 'tour.next')}</button>
        <button className="button plain" aria-keyshortcuts="Escape" onClick={skip}>{t('tour.skip')}</button>
      </div>
    </section>
  )
}

interface Told { tour: State; demo: Demo; ends: number | null; feedIsLate: boolean; failed: string | null; copied: boolean; onCopied: () => void }

function Text({ tour, demo, ends, feedIsLate, failed, copied, onCopied }: Told) {
  const { live, now } = useShared()
  const { t, time, day, duration } = useWords()
  const step = STEPS[tour.at] ?? 'open'
  if (step === 'explain') return <Explain command={demo.explain} copied={copied} onCopied={onCopied} />
  if (tour.done.includes(step)) return t(`tour.${step}.done`)
  if (step === 'open') {
    return (
      <>
        {t('tour.open', { n: live.tickets?.length ?? 0 })}
        <span className="shapes">
          {(['breached', 'at_risk', 'on_track', 'unknown'] as const).map((state) => <span key={state}><Shape state={state} small /> {t(`sla.${state}`)}</span>)}
        </span>
      </>
    )
  }
  if (step === 'header') return t('tour.header', { time: time(ends), age: ends === null ? '–' : duration(now - ends) })
  if (step === 'past') return t('tour.past', { day: day(lastTuesday(Date.parse(demo.now))) })
  if (failed !== null) return t('tour.break.failed', { why: failed })
  if (demo.phase !== 'live') return t('tour.break.wait')
  if (!demo.broken) return t('tour.break')
  return t(feedIsLate || tour.sawBroken ? 'tour.break.seen' : 'tour.break.broken')
}

function Explain({ command, copied, onCopied }: { command: string | null; copied: boolean; onCopied: () => void }) {
  const { t } = useWords()
  const code = useRef<HTMLElement>(null)
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(command ?? '')
    } catch {
      // No permission: then it is marked, ready for the keys of the browser.
      if (code.current !== null) getSelection()?.selectAllChildren(code.current)
    }
    onCopied()
  }
  return (
    <>
      {t('tour.explain')} <code ref={code}>{command}</code>{' '}
      <button className="button" onClick={() => void copy()}>{t(copied ? 'tour.copied' : 'tour.copy')}</button>
    </>
  )
}

function Broken({ broken }: { broken: boolean }) {
  const { t } = useWords()
  return broken ? <div className="banner" role="status">{t('tour.broken')}</div> : null
}

// b breaks and mends the feed; Escape skips the steps where it has nothing else to close.
function useDemoKeys(canBreak: boolean, toggle: () => Promise<void>, canSkip: boolean, skip: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return
      if (document.querySelector('dialog[open], .menu [aria-expanded=true]') !== null) return
      if (event.key === 'b' && canBreak) void toggle()
      else if (event.key === 'Escape' && canSkip) skip()
    }
    addEventListener('keydown', onKey)
    return () => { removeEventListener('keydown', onKey) }
  }, [canBreak, toggle, canSkip, skip])
}
