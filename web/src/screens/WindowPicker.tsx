// The window of time that a screen counts in; what the data does not reach is said, never shown as 0.
import { useState } from 'react'
import { useWords } from '../i18n'
import { dateOf, DAY, startOfDate } from '../model/time'
import { NO_FILTER } from '../model/filter'
import { useShared } from '../ui/state'
import { Empty } from '../ui/States'
import type { Coverage } from './data'

export function WindowPicker() {
  const { view, go, now, clocks } = useShared()
  const { t, day } = useWords()
  const [from, setFrom] = useState(view.from ?? dateOf(now - 14 * DAY))
  const [to, setTo] = useState(view.to ?? dateOf(now))
  const ends = clocks.contentAsOf[view.filter.dataset ?? 'inc']
  const last = ends === null ? null : dateOf(ends - 1)
  return (
    <div className="window" style={{ display: 'flex', flexWrap: 'wrap', gap: 8, alignItems: 'center' }}>
      <div className="segments" role="group" aria-label={t('window.label')}>
        <button aria-pressed={view.window === 'last'} onClick={() => { go({ window: 'last', from: null, to: null }) }}>
          {t('window.last', { date: last === null ? '–' : day(startOfDate(last)) })}
        </button>
        {(['today', 'week', 'month', 'custom'] as const).map((window) => (
          <button key={window} aria-pressed={view.window === window} onClick={() => { go({ window, ...(window === 'custom' ? { from, to } : { from: null, to: null }) }) }}>
            {t(`window.${window}`)}
          </button>
        ))}
      </div>
      {view.window === 'custom' && (
        <form style={{ display: 'flex', gap: 6, alignItems: 'center' }} onSubmit={(event) => { event.preventDefault(); go({ from, to }) }}>
          <label>{t('window.from')} <input type="date" value={from} onChange={(event) => { setFrom(event.target.value) }} /></label>
          <label>{t('window.to')} <input type="date" value={to} min={from} onChange={(event) => { setTo(event.target.value) }} /></label>
          <button className="button">{t('window.go')}</button>
        </form>
      )}
    </div>
  )
}

export function NotCovered({ coverage }: { coverage: Coverage }) {
  const { view, clocks } = useShared()
  const { t, time } = useWords()
  const ends = clocks.contentAsOf[view.filter.dataset ?? 'inc']
  if (coverage === 'full' || ends === null) return null
  if (coverage === 'partial') return <p className="soft" style={{ marginBottom: 12 }}>{t('window.partial', { time: time(ends) })}</p>
  return <div className="panel"><Empty text={t('nodata', { time: time(ends), window: view.window === 'last' ? t('window.today') : t(`window.${view.window}`) })} /></div>
}

// A filter that was chosen on the map still holds on this screen: it is said, and one can be rid of it.
export function FilterNote({ names }: { names: ('cluster' | 'status' | 'team')[] }) {
  const { view, go } = useShared()
  const { t } = useWords()
  const chosen = names.flatMap((name) => (view.filter[name] === null ? [] : [`${t(`filter.${name}`)}: ${view.filter[name]}`]))
  if (chosen.length === 0) return null
  return (
    <p className="soft filternote">
      {t('filter.only', { what: chosen.join(', ') })}{' '}
      <button className="button plain" onClick={() => { go((v) => ({ filter: { ...NO_FILTER, dataset: v.filter.dataset } })) }}>{t('filter.clear')}</button>
    </p>
  )
}
