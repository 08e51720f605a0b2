// The head of every screen: where one can go, and how old what one sees is, in words.
import { useEffect, useRef, useState } from 'react'
import { useWords, type MessageKey } from '../i18n'
import { POLLING_EVERY_S } from '../live/tickets'
import { exportQuery } from '../model/filter'
import { pathOf, SCREENS } from '../model/view'
import { headline, useShared } from './state'
import { PATHS } from './Shape'

export function Header({ help, switchLanguage, switchTheme }: Record<'help' | 'switchLanguage' | 'switchTheme', () => void>) {
  const { view, go, dark } = useShared()
  const { t, lang } = useWords()
  return (
    <header className="top">
      <a className="brand" href="/" onClick={(event) => { event.preventDefault(); go({ screen: 'map', ticket: null }) }}>
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d={PATHS.breached} fill="var(--accent)" />
          <path d="M6.5 10l2.5 2.5 4.5-5" fill="none" stroke="var(--surface)" strokeWidth="2" />
        </svg>
        fleettickets
      </a>
      <nav className="tabs" aria-label={t('nav.screens')}>
        {SCREENS.map((screen, i) => (
          <a
            key={screen}
            href={pathOf({ ...view, screen, ticket: null })}
            aria-current={view.screen === screen ? 'page' : undefined}
            aria-keyshortcuts={String(i + 1)}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return
              event.preventDefault()
              go({ screen, ticket: null, tab: null })
            }}
          >
            {t(`screen.${screen}`)}
          </a>
        ))}
      </nav>
      <div className="tools">
        <ExportMenu />
        <button className="button plain" onClick={switchLanguage} lang={lang === 'en' ? 'sw' : 'en'}>{lang === 'en' ? 'SW' : 'EN'}<span className="hidden"> {t('lang.switch')}</span></button>
        <button className="button plain square" onClick={switchTheme} aria-label={t(dark ? 'theme.light' : 'theme.dark')}>{dark ? '☀' : '☾'}</button>
        <button className="button plain square" onClick={help} aria-label={t('help.title')}>?</button>
      </div>
    </header>
  )
}

function ExportMenu() {
  const { view } = useShared()
  const { t } = useWords()
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!open) return
    const away = (event: Event): void => {
      if (event instanceof KeyboardEvent ? event.key === 'Escape' : !box.current?.contains(event.target as Node)) setOpen(false)
    }
    addEventListener('pointerdown', away)
    addEventListener('keydown', away)
    return () => {
      removeEventListener('pointerdown', away)
      removeEventListener('keydown', away)
    }
  }, [open])
  const query = exportQuery(view.filter, view.at).toString()
  const link = (kind: string, more = ''): string => `/api/export/open.${kind}${query || more ? `?${[query, more].filter(Boolean).join('&')}` : ''}`
  return (
    <div className="menu" ref={box}>
      <button className="button plain" id="export" aria-expanded={open} onClick={() => { setOpen(!open) }}>{t('export.open')}</button>
      {open && (
        <div>
          <a href={link('csv', 'bom=true')} download>CSV (Excel)</a>
          <a href={link('csv')} download>CSV</a>
          <a href={link('geojson')} download>GeoJSON</a>
          <a href={link('parquet')} download>GeoParquet</a>
          <a href={link('fgb')} download>FlatGeobuf</a>
          <a href={link('json')} download>JSON</a>
          <button onClick={() => { setOpen(false); print() }}>{t('export.print')}</button>
        </div>
      )}
    </div>
  )
}

export function ClockLine() {
  const shared = useShared()
  const { view, go, live, freshness, now } = shared
  const { t, time, duration } = useWords()
  const { dataset, verdict } = headline(shared, view.filter.dataset)
  const clocks = freshness[dataset]
  const ends = clocks.contentAsOf
  const known = live.tickets !== undefined
  return (
    <div className="clocks" data-level={known ? verdict.level : 'ok'} data-away={live.link === 'offline'} aria-label={t('clock.label')} role="region">
      <select
        className="inline"
        aria-label={t('filter.dataset')}
        value={view.filter.dataset ?? ''}
        onChange={(event) => {
          const value = event.target.value
          go((v) => ({ filter: { ...v.filter, dataset: value === 'inc' || value === 'crq' ? value : null } }))
        }}
      >
        <option value="">{`INC + CRQ`}</option>
        <option value="inc">{t('dataset.inc')}</option>
        <option value="crq">{t('dataset.crq')}</option>
      </select>
      {known && (
        <>
          <strong>{view.filter.dataset === null ? `${dataset.toUpperCase()}: ` : ''}{ends === null ? t('fresh.no_data') : t('clock.ends', { time: time(ends), age: duration(now - ends) })}</strong>
          <a
            className="verdict"
            href={pathOf({ ...view, screen: 'runs', ticket: null })}
            onClick={(event) => { event.preventDefault(); go({ screen: 'runs', ticket: null }) }}
          >
            <span className="dot" aria-hidden="true" />
            <span aria-live="polite">
              {verdict.level === 'ok' ? '' : `${t(`level.${verdict.level}` as MessageKey)}: `}
              {t(`fresh.${verdict.reason}`, { age: duration(verdict.ms) })}
            </span>
          </a>
          <span>{t('clock.file', { time: time(clocks.fileTs, now) })}</span>
          <span>{t('clock.run', { time: time(clocks.runAt, now) })}</span>
          <span>
            {t('clock.asof', { time: view.at === null ? t('clock.now') : time(view.at) })}{' '}
            <span className="soft">{view.at === null ? time(now, now) : ''}</span>
          </span>
        </>
      )}
    </div>
  )
}

export function Banner() {
  const { live, store } = useShared()
  const { t, time } = useWords()
  const retry = <button className="button" onClick={() => void store.refresh()}>{t('error.retry')}</button>
  if (live.link === 'offline' && live.receivedAt !== null) {
    return <div className="banner" role="status">{t('offline', { time: time(live.receivedAt, Date.now()) })}{retry}</div>
  }
  if (live.staleSince !== null) {
    return <div className="banner" role="status">{t('stale', { time: time(live.staleSince, Date.now()) })}{retry}</div>
  }
  if (live.link === 'polling') {
    return <div className="banner" role="status">{t('polling', { s: POLLING_EVERY_S })}</div>
  }
  return <div />
}
