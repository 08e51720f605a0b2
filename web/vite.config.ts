/// <reference types="vitest/config" />
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

// The service worker keeps the app itself: it must know the names of the files of this build.
function shellList(): Plugin {
  return {
    name: 'shell-list',
    generateBundle(_options, bundle) {
      const files = Object.keys(bundle).filter((name) => !name.endsWith('.map')).sort()
      this.emitFile({ type: 'asset', fileName: 'shell.json', source: JSON.stringify(['/', ...files.map((name) => '/' + name)]) })
    },
  }
}

// Beside each text file its compressed twins, made once here and never while somebody waits.
function compressed(folder: string): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(js|css|html|json|svg|webmanifest)$/.test(name)) continue
        const path = join(folder, name)
        const plain = readFileSync(path)
        writeFileSync(path + '.br', brotliCompressSync(plain))
        writeFileSync(path + '.gz', gzipSync(plain, { level: 9 }))
      }
    },
  }
}

const built = '../fleettickets/web_assets'
const server = process.env.FLEETTICKETS_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react(), shellList(), compressed(built)],
  build: {
    outDir: built,
    emptyOutDir: true,
    target: 'es2022',
    // One asset a file: a strict Content-Security-Policy allows no data: script and needs no exception for them.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200, // MapLibre is one piece, and lazy
  },
  worker: { format: 'es' },
  server: { proxy: Object.fromEntries(['/api', '/webhook', '/tiles', '/ogc'].map((path) => [path, server])) },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
