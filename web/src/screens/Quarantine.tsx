// What could not be used: files and rows with their reason, to be read again or discarded; who decided is written down.
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { json, post, Problem } from '../api'
import { useWords, type MessageKey } from '../i18n'
import { en } from '../i18n/en'
import { useShared } from '../ui/state'
import { Empty, Failed, Loading } from '../ui/States'
import { saveCsv } from './csv'

interface Held {
  reference: string
  line: number | null
  key: string
  reason: string | null
  record: string | null
  since: string
  attempts: number
  discarded_at: string | null
  discarded_by: string | null
}

interface Decision {
  at: string
  who: string
  action: 'retry' | 'discard'
  key: string
  line: number | null
  outcome: string
}

interface Listed {
  files: Held[]
  rows: Held[]
  total: { files: number; rows: number }
  decisions: Decision[]
}

interface Done {
  outcomes: Record<string, string>
}

type Action = 'retry' | 'discard'

const FUTURE = 'file_from_future'
const MOST_AT_ONCE = 100

export function Quarantine({ dataset }: { dataset: string }) {
  const { live } = useShared()
  const { t, number } = useWords()
  const client = useQueryClient()
  const [discarded, setDiscarded] = useState(false)
  const [busy, setBusy] = useState(false)
  const [told, setTold] = useState<{ text: string; bad: boolean } | null>(null)
  const { data, error, errorUpdatedAt, refetch, isPending } = useQuery({
    queryKey: ['quarantine', dataset, discarded, live.rev, live.freshness.inc.runAt, live.freshness.crq.runAt],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => json<Listed>(`/api/quarantine?dataset=${dataset}&discarded=${String(discarded)}&limit=200`, { signal }),
  })
  const decide = async (action: Action, what: readonly Held[]): Promise<void> => {
    if (busy || what.length === 0) return
    setBusy(true)
    setTold(null)
    try {
      const references = what.map(({ reference }) => reference)
      // Whoever has a file named after a time to come read again has seen its name.
      const done = await post<Done>('/api/quarantine', { action, references, accept_future: what.some(({ reason }) => reason === FUTURE) })
      const used = Object.values(done.outcomes).filter((outcome) => outcome === 'used' || outcome === 'discarded').length
      const rest = Object.values(done.outcomes).find((outcome) => outcome !== 'used' && outcome !== 'discarded')
      setTold({ text: [t(`quarantine.did.${action}`, { n: used, of: references.length }), rest].filter(Boolean).join(' · '), bad: rest !== undefined })
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem
      setTold({ text: problem.status === 403 ? t('review.forbidden') : problem.message, bad: true })
    } finally {
      setBusy(false)
      await client.invalidateQueries({ queryKey: ['quarantine'] })
    }
  }
  if (error !== null) return <div className="panel"><Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} /></div>
  if (isPending) return <div className="panel"><Loading /></div>
  const all = [...data.files, ...data.rows]
  const open = all.filter(({ discarded_at }) => discarded_at === null)
  return (
    <>
      <p role="status" className={told?.bad ? 'bad note' : 'note'} data-told={told !== null}>{busy ? t('quarantine.busy') : told?.text}</p>
      <div className="panel" data-part="quarantine">
        <header>
          <h2>{t('quarantine.total', { files: data.total.files, rows: data.total.rows })}</h2>
          <label className="soft"><input type="checkbox" checked={discarded} onChange={(event) => { setDiscarded(event.target.checked) }} /> {t('quarantine.discarded')}</label>
          {open.length > 0 && <button className="button" disabled={busy} onClick={() => void decide('retry', open.slice(0, MOST_AT_ONCE))}>{t('quarantine.all', { n: number(Math.min(open.length, MOST_AT_ONCE)) })}</button>}
          {all.length > 0 && <button className="button" onClick={() => { saveHeld(dataset, all) }}>{t('quality.csv')}</button>}
        </header>
        {all.length === 0 ? <Empty text={t('quality.none')} /> : <HeldTable held={all} busy={busy} decide={decide} />}
      </div>
      {data.decisions.length > 0 && <Decisions decisions={data.decisions} />}
    </>
  )
}

function HeldTable({ held, busy, decide }: { held: readonly Held[]; busy: boolean; decide: (action: Action, what: readonly Held[]) => Promise<void> }) {
  const { now } = useShared()
  const { t, time } = useWords()
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label={t('quality.quarantine')}>
      <table>
        <thead><tr><th>{t('quality.reason')}</th><th>{t('quality.file')}</th><th className="number">{t('quality.line')}</th><th>{t('quality.record')}</th><th>{t('quarantine.since')}</th><th>{t('quarantine.decide')}</th></tr></thead>
        <tbody>
          {held.map((one) => (
            <tr key={one.reference} className={one.discarded_at === null ? '' : 'small'} data-reference={one.reference}>
              <td><Reason reason={one.reason} /></td>
              <td><code>{one.key.split('/').at(-1)}</code></td>
              <td className="number">{one.line ?? t('quarantine.whole')}</td>
              <td>{one.record === null ? <span className="soft">{one.line === null ? '' : t('quarantine.hidden')}</span> : <details><summary className="record">{one.record.slice(0, 60)}</summary><code className="sample">{one.record}</code></details>}</td>
              <td className="soft">
                {time(Date.parse(one.since), now)}
                {one.discarded_at !== null && <div>{t('quarantine.by', { who: one.discarded_by ?? '?' })}</div>}
              </td>
              <td>
                <div className="decide">
                  <button className="button" disabled={busy} onClick={() => void decide('retry', [one])}>{t('quality.retry')}</button>
                  {one.discarded_at === null && <button className="button" disabled={busy} onClick={() => void decide('discard', [one])}>{t('quality.discard')}</button>}
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Reason({ reason }: { reason: string | null }) {
  const { t } = useWords()
  const name = reason?.split(':')[0] ?? ''
  const key = `quarantine.reason.${name}`
  return <>{key in en ? t(key as MessageKey) : reason}{key in en && <div className="soft"><code>{reason}</code></div>}</>
}

function Decisions({ decisions }: { decisions: readonly Decision[] }) {
  const { now } = useShared()
  const { t, time } = useWords()
  return (
    <div className="panel" data-part="decisions">
      <header><h2>{t('quarantine.decisions')}</h2></header>
      <div className="scroll" tabIndex={0} role="group" aria-label={t('quarantine.decisions')}>
        <table>
          <tbody>
            {decisions.map((one, i) => (
              <tr key={i}>
                <td className="soft">{time(Date.parse(one.at), now)}</td><td>{one.who}</td><td>{t(`quality.${one.action}`)}</td>
                <td><code>{one.key.split('/').at(-1)}{one.line === null ? '' : `:${one.line}`}</code></td>
                <td>{one.outcome === 'used' || one.outcome === 'discarded' ? t(`quarantine.outcome.${one.outcome}`) : one.outcome}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function saveHeld(dataset: string, held: readonly Held[]): void {
  saveCsv(`quarantine-${dataset}.csv`, [
    ['reference', 'reason', 'file', 'line', 'since', 'attempts', 'discarded_at', 'discarded_by', 'record'],
    ...held.map((one) => [one.reference, one.reason, one.key, one.line, one.since, one.attempts, one.discarded_at, one.discarded_by, one.record]),
  ])
}
