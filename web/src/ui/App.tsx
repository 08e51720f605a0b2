// The frame: header, banners, one screen, the keys that work everywhere.
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type ComponentType } from 'react'
import { store as remember, stored, WordsContext, wordsOf } from '../i18n'
import type { TicketStore } from '../live/tickets'
import { rulesThen } from '../model/freshness'
import { DAY, dayStart } from '../model/time'
import { type Language, type Screen, SCREENS, type Theme } from '../model/view'
import { Board } from '../screens/Board'
import { useIsDemo } from '../screens/data'
import { MapScreen } from '../screens/MapScreen'
import { Assigning } from './Assign'
import { Boundary } from './Boundary'
import { Help } from './Help'
import { Banner, ClockLine, Header } from './Header'
import { SignIn } from './SignIn'
import { Loading } from './States'
import { type Shared, SharedContext, useClock, usePast, useUrl } from './state'

const PAGES: Record<Exclude<Screen, 'map'>, ComponentType> = {
  // The board shows what the map does, with the server and without it: it does not have to be fetched first.
  board: Board,
  trends: lazy(() => import('../screens/Trends')),
  teams: lazy(() => import('../screens/Teams')),
  review: lazy(() => import('../screens/Review')),
  quality: lazy(() => import('../screens/Quality')),
  runs: lazy(() => import('../screens/Runs')),
  dispatch: lazy(() => import('../screens/Dispatch')),
}

const Tour = lazy(() => import('./Tour'))

export function App({ store }: { store: TicketStore }) {
  const [view, go] = useUrl()
  const live = useSyncExternalStore(store.subscribe, store.get)
  const now = useClock(view.at, live.skewMs)
  const past = usePast(view.at, view.mode)
  const freshness = (view.at === null ? undefined : past.data?.freshness) ?? live.freshness
  const rules = useMemo(() => (view.at === null ? live.rules : { inc: rulesThen(live.rules.inc), crq: rulesThen(live.rules.crq) }), [view.at, live.rules])
  const [help, setHelp] = useState(false)
  const isDemo = useIsDemo()

  useEffect(() => {
    store.start()
    return () => { store.stop() }
  }, [store])

  const lang: Language = view.lang ?? (stored('lang') === 'sw' || (stored('lang') === null && navigator.language.startsWith('sw')) ? 'sw' : 'en')
  const theme: Theme = view.theme ?? themeOf()
  const words = useMemo(() => wordsOf(lang), [lang])
  useEffect(() => {
    document.documentElement.lang = lang
    document.documentElement.dataset.theme = theme
    document.querySelector('meta[name=theme-color]')?.setAttribute('content', theme === 'dark' ? '#0f1518' : '#f5f4f0')
  }, [lang, theme])
  useEffect(() => {
    document.title = `${words.t(`screen.${view.screen}`)} · fleettickets`
  }, [words, view.screen])

  const switchLanguage = useCallback(() => {
    const next = lang === 'en' ? 'sw' : 'en'
    remember('lang', next)
    go({ lang: next }, true)
  }, [go, lang])
  const switchTheme = useCallback(() => {
    const next = theme === 'dark' ? 'light' : 'dark'
    remember('theme', next)
    go({ theme: next }, true)
  }, [go, theme])

  // Kept the same object while nothing in it changed: lists and map are made anew only for a new clock or new data.
  const [inc, crq] = [freshness.inc.contentAsOf, freshness.crq.contentAsOf]
  const clocks = useMemo(() => ({ now, contentAsOf: { inc, crq } }), [now, inc, crq])
  const shared = useMemo<Shared>(
    () => ({
      view, go, store, live, past, freshness, rules, now, dark: theme === 'dark', clocks,
    }),
    [view, go, store, live, past, freshness, rules, now, theme, clocks],
  )
  const keys = useRef({ switchLanguage, setHelp, now })
  keys.current = { switchLanguage, setHelp, now }
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const screen = SCREENS[Number(event.key) - 1]
      if (screen !== undefined) go({ screen, ticket: null, tab: null })
      else if (event.key === '?') keys.current.setHelp(true)
      else if (event.key === 'l') keys.current.switchLanguage()
      else if (event.key === 'e') document.getElementById('export')?.click()
      else if (event.key === '[') go((v) => ({ at: dayStart((v.at ?? keys.current.now) - 1) }), true)
      else if (event.key === ']') go((v) => ({ at: v.at === null || dayStart(v.at) + DAY >= Date.now() ? null : dayStart(v.at) + DAY }), true)
      else return
      event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => { removeEventListener('keydown', onKey) }
  }, [go])

  const Page = view.screen === 'map' ? null : PAGES[view.screen]
  // A list beside a map takes the whole window.
  const wide = view.screen === 'map' || view.screen === 'dispatch'
  return (
    <WordsContext value={words}>
      <SharedContext value={shared}>
        <div className="app">
          <a className="skip" href="#main">{words.t('app.skip')}</a>
          <Header help={() => { setHelp(true) }} switchLanguage={switchLanguage} switchTheme={switchTheme} />
          <ClockLine />
          <div>
            <Banner />
            {isDemo && <Suspense><Tour /></Suspense>}
          </div>
          <main id="main" className={wide ? `work ${view.screen}` : 'page'} tabIndex={wide ? -1 : 0}>
            {live.problem?.status === 401 ? <SignIn /> : Page === null ? <MapScreen /> : (
              <Boundary of={view.screen}><Suspense fallback={<Loading />}><Page /></Suspense></Boundary>
            )}
          </main>
        </div>
        <Assigning />
        <Help open={help} close={() => { setHelp(false) }} />
      </SharedContext>
    </WordsContext>
  )
}

function themeOf(): Theme {
  const kept = stored('theme')
  if (kept === 'dark' || kept === 'light') return kept
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement ? target.type !== 'range' && target.type !== 'checkbox'
    : target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement
}
