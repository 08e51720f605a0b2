import { parse, TYPE, type MessageFormatElement } from '@formatjs/icu-messageformat-parser'
import { describe, expect, it } from 'vitest'
import { CATALOGUES, wordsOf } from '.'
import { en, type MessageKey } from './en'

function argumentsOf(elements: MessageFormatElement[]): string[] {
  return elements.flatMap((one) => {
    if (one.type === TYPE.literal || one.type === TYPE.pound) return []
    if (one.type === TYPE.plural || one.type === TYPE.select) {
      return [one.value, ...Object.values(one.options).flatMap((option) => argumentsOf(option.value))]
    }
    return one.type === TYPE.tag ? argumentsOf(one.children) : [one.value]
  })
}

describe.each(Object.entries(CATALOGUES))('catalogue %s', (_lang, catalogue) => {
  it('has every key and no other', () => {
    expect(Object.keys(catalogue).sort()).toEqual(Object.keys(en).sort())
  })
  it.each(Object.keys(en))('%s is a message with the same arguments', (key) => {
    const text = catalogue[key as MessageKey]
    expect(text.trim()).not.toBe('')
    expect(new Set(argumentsOf(parse(text)))).toEqual(new Set(argumentsOf(parse(en[key as MessageKey]))))
  })
})

describe('words', () => {
  const at = Date.parse('2026-06-23T12:00:00+03:00')
  it('say times in East Africa Time, 24 hours, in both languages', () => {
    expect(wordsOf('en').time(at)).toBe('Tue 23 Jun 12:00')
    expect(wordsOf('sw').time(at)).toContain('12:00')
    expect(wordsOf('en').time(at, at + 1000)).toBe('12:00')
    expect(wordsOf('en').time(Date.parse('2026-06-23T21:30:00Z'))).toBe('Wed 24 Jun 00:30')
  })
  it('say durations as people do', () => {
    const { duration, hours } = wordsOf('en')
    expect(duration(48 * 3_600_000)).toBe('2 d 0 h')
    expect(duration(90 * 60_000)).toBe('1 h 30 min')
    expect(hours(51.9 * 3_600_000)).toBe('51 h')
  })
  it('show text that looks like markup or a message as it is', () => {
    expect(wordsOf('en').t('empty.in', { cluster: '<b>{n}</b>' })).toBe('in <b>{n}</b>')
  })
})
