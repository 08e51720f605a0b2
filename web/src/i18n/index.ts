// Words, numbers and dates in the reader's language; East Africa Time and the 24-hour clock everywhere.
import { IntlMessageFormat } from 'intl-messageformat'
import { createContext, useContext } from 'react'
import type { Language } from '../model/view'
import { dayStart, durationOf, ZONE } from '../model/time'
import { en, type MessageKey } from './en'
import { sw } from './sw'

export type { MessageKey }
export const CATALOGUES: Record<Language, Record<MessageKey, string>> = { en, sw }
type Values = Record<string, string | number>

export interface Words {
  lang: Language
  t: (key: MessageKey, values?: Values) => string
  // "23 Jun 12:00" with its weekday; only the time when it is today.
  time: (at: number | null, now?: number) => string
  day: (at: number) => string
  duration: (ms: number) => string
  // As many words as a narrow column has room for: "16 d", "1 d 4 h", "20 min".
  rough: (ms: number) => string
  // Whole hours, as people say it of a ticket: "51 h".
  hours: (ms: number) => string
  number: (value: number, digits?: number) => string
  percent: (share: number | null) => string
  distance: (m: number) => string
}

const LOCALES: Record<Language, string> = { en: 'en-GB', sw: 'sw-KE' }

export function wordsOf(lang: Language): Words {
  const locale = LOCALES[lang]
  const formats = new Map<MessageKey, IntlMessageFormat>()
  const hour = new Intl.DateTimeFormat(locale, { timeZone: ZONE, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const date = new Intl.DateTimeFormat(locale, { timeZone: ZONE, weekday: 'short', day: 'numeric', month: 'short' })

  const t = (key: MessageKey, values?: Values): string => {
    let format = formats.get(key)
    if (format === undefined) {
      format = new IntlMessageFormat(CATALOGUES[lang][key], locale)
      formats.set(key, format)
    }
    return String(format.format(values))
  }
  const day = (at: number): string => date.format(at).replace(',', '')
  const number = (value: number, digits = 0): string => value.toLocaleString(locale, { maximumFractionDigits: digits })
  return {
    lang, t, day, number,
    time: (at, now) => {
      if (at === null) return t('clock.none')
      const clock = hour.format(at)
      return now !== undefined && dayStart(at) === dayStart(now) ? clock : `${day(at)} ${clock}`
    },
    duration: (ms) => {
      const { days, hours, minutes } = durationOf(ms)
      if (days > 0) return t('dur.dh', { days, hours })
      return hours > 0 ? t('dur.hm', { hours, minutes }) : t('dur.m', { minutes })
    },
    rough: (ms) => {
      const { days, hours, minutes } = durationOf(ms)
      if (days >= 3) return t('dur.d', { days })
      if (days > 0) return t('dur.dh', { days, hours })
      return hours > 0 ? t('dur.hm', { hours, minutes }) : t('dur.m', { minutes })
    },
    hours: (ms) => {
      const { days, hours, minutes } = durationOf(ms)
      return days * 24 + hours > 0 ? t('dur.h', { hours: number(days * 24 + hours) }) : t('dur.m', { minutes })
    },
    percent: (share) => (share === null ? '–' : `${number(share * 100)} %`),
    distance: (m) => (m < 1000 ? t('geo.m', { m: number(m) }) : t('geo.km', { km: number(m / 1000, 1) })),
  }
}

export const WordsContext = createContext<Words>(wordsOf('en'))
export const useWords = (): Words => useContext(WordsContext)

export function stored(name: 'lang' | 'theme'): string | null {
  try {
    return localStorage.getItem(`fleettickets-${name}`)
  } catch {
    return null // storage may be forbidden; the browser's own preference counts then
  }
}

export function store(name: 'lang' | 'theme', value: string): void {
  try {
    localStorage.setItem(`fleettickets-${name}`, value)
  } catch {
    // Nothing is lost but the memory of a choice.
  }
}
