/** English and French. A key that a language lacks is said in English. */
const EN = {
  skip: 'Skip to content', market: 'Market', predictions: 'Predictions', quality: 'Quality', pipeline: 'Pipeline', alerts: 'Alerts',
  connecting: 'connecting', live: 'live', stale: 'feed stale', lost: 'no connection', ago: 'last event {0} ago',
  palette: 'Colour-blind palette', theme: 'Light or dark', help: 'Keyboard and about',
  staleBanner: 'The feed of {0} is silent: last event {1} ago. Prices below may be old.', lostBanner: 'The server does not answer. What you see is as of {0} UTC; trying again.',
  degradedBanner: 'The lake does not answer ({0}). Candles below are the last good ones, {1} old.',
  markets: 'Markets', movers: 'Top movers, market capitalisation', turnover: 'Turnover', cap: 'Cap', venues: 'The same asset on every venue', spread: 'Spread', change24: '24 h change', high24: '24 h high', low24: '24 h low', volume24: '24 h volume', trades24: '24 h trades',
  bid: 'Best bid', ask: 'Best ask', trades: 'Trades', time: 'Time', price: 'Price', size: 'Size', showVolume: 'Volume', showFan: 'Forecast', showVenues: 'Other venues',
  quotesNone: 'The feed tells no quotes of this market.', candlesNone: 'No candles yet', loading: 'Loading …',
  proof: 'Proof of a candle', proofHint: 'Click a candle to see where it comes from.', status: 'Status', revision: 'Revision', ids: 'Trade ids', missing: 'Missing ids', records: 'Records', offsets: 'Kafka offsets', adds: 'Recomputed from trades', yes: 'adds up', no: 'does not add up', window: 'Window', versions: 'Versions', table: 'Table',
  footCandles: 'candles', footMissing: 'without data', footQuiet: 'quiet', footLatency: 'trade to page', footFinal: 'final candles that changed what was shown live', footSource: 'from',
  open: 'forming', live_closed: 'awaiting the lake', traded: 'traded', quiet: 'quiet (proven)', repaired: 'repaired', blind: 'blind', halted: 'halted', absent: 'absent', venue: "venue's own",
  why_blind: 'Nobody listened, or trade ids are missing.', why_halted: 'The venue was down.', why_absent: 'No candle was made for this window.', why_quiet: 'No trade: no id is missing around it.',
  forecastNone: 'No forecast yet', forecastWhy: 'Forecasts appear once an hour has closed and a model has been trained.', fan: 'Forecast fan', fanHint: 'median, p10–p90 and p2.5–p97.5 from the last close', coverage: 'Share of outcomes inside the interval', skill: 'Skill against the last price, by horizon', skillHint: 'above 0 the model beats doing nothing', champion: 'Champion', horizon: 'Horizon', scored: 'Scored forecasts', issued: 'Issued', nominal: 'nominal', model: 'Model', history: 'Forecasts so far', target: 'Target', median: 'Median', interval80: '80 % interval', interval95: '95 % interval', scoresNone: 'No scores yet', scoresWhy: 'A forecast is scored when its hour has come.', hours: 'h',
  proven: 'Proven minutes', provenHint: 'traded or quiet, of the last {0} h', blindMinutes: 'Blind minutes', gapsCount: 'Gaps', reconciled: 'Hours equal to the venue', heat: 'Status of every hour', heatHint: 'one cell an hour, its colours by minutes', gaps: 'Gaps', gapsNone: 'No gap', gapsWhy: 'Every minute of these hours is traded or proven quiet.', start: 'Start', end: 'End', minutes: 'Minutes', cause: 'Cause', fate: 'Fate', symbol: 'Market', recon: "Our candles beside the venue's own", reconHint: 'every field compared, to the last digit', reconNone: 'Nothing to compare yet', reconWhy: 'The venue publishes a candle when its hour has closed.', equal: 'equal', differs: 'differs', hour: 'Hour', differing: 'Differing fields', residual: 'Volume residual', dayRange: '24 h', weekRange: '7 d',
  services: 'Services', service: 'Service', state: 'State', port: 'Port', answered: 'Answered in', detail: 'Detail', topics: 'Topics', topic: 'Topic', partitions: 'Partitions', rows: 'Rows', lag: 'Last record', tables: 'Tables of the lake', files: 'Files', sizeBytes: 'Size', lastCommit: 'Last commit', throughput: 'Records a second', clients: 'Clients of the live stream', cacheSize: 'Candles in memory', venueLag: 'Age on arrival', links: 'Their own pages', refused: 'Refused', api: 'API reference',
  ready: 'ready', down: 'down', unready: 'unready',
  alertsNone: 'No alert has fired', alertsWhy: 'Rules and their deliveries appear here.', fired: 'Fired', rule: 'Rule', message: 'Message', severity: 'Severity',
  about: 'About this page', keys: 'Keyboard', keyTabs: 'tabs', keyIntervals: 'intervals', keyMarkets: 'next and previous market', keyTheme: 'light or dark', keyPalette: 'colour-blind palette', keyHelp: 'this box', close: 'Close', attribution: 'Charts by TradingView Lightweight Charts™, Copyright (c) 2026 TradingView, Inc., Apache License 2.0.', finalDiffers: 'The final candle of {0} differs from what was shown live: {1}',
}
const FR = {
  skip: 'Aller au contenu', market: 'Marché', predictions: 'Prévisions', quality: 'Qualité', pipeline: 'Pipeline', alerts: 'Alertes',
  connecting: 'connexion', live: 'en direct', stale: 'flux périmé', lost: 'hors connexion', ago: 'dernier événement il y a {0}',
  palette: 'Palette pour daltoniens', theme: 'Clair ou sombre', help: 'Clavier et à propos',
  staleBanner: 'Le flux de {0} est muet : dernier événement il y a {1}. Les prix ci-dessous peuvent être anciens.', lostBanner: 'Le serveur ne répond pas. Les données datent de {0} UTC ; nouvel essai en cours.',
  degradedBanner: 'Le lac ne répond pas ({0}). Les bougies ci-dessous sont les dernières valides, vieilles de {1}.',
  markets: 'Marchés', movers: 'Variations et capitalisation', turnover: 'Échangé', cap: 'Cap.', venues: 'Le même actif sur chaque place', spread: 'Écart', change24: 'Variation 24 h', high24: 'Plus haut 24 h', low24: 'Plus bas 24 h', volume24: 'Volume 24 h', trades24: 'Transactions 24 h',
  bid: 'Meilleure offre', ask: 'Meilleure demande', trades: 'Transactions', time: 'Heure', price: 'Prix', size: 'Quantité', showVolume: 'Volume', showFan: 'Prévision', showVenues: 'Autres places',
  quotesNone: 'Le flux ne donne pas de cotations pour ce marché.', candlesNone: 'Pas encore de bougies', loading: 'Chargement …',
  proof: "Preuve d'une bougie", proofHint: "Cliquez une bougie pour voir d'où elle vient.", status: 'Statut', revision: 'Révision', ids: 'Ids des transactions', missing: 'Ids manquants', records: 'Enregistrements', offsets: 'Offsets Kafka', adds: 'Recalculée des transactions', yes: 'concorde', no: 'ne concorde pas', window: 'Fenêtre', versions: 'Versions', table: 'Table',
  footCandles: 'bougies', footMissing: 'sans données', footQuiet: 'calmes', footLatency: 'transaction à page', footFinal: 'bougies finales différentes du direct', footSource: 'de',
  open: 'en formation', live_closed: 'attend le lac', traded: 'échangée', quiet: 'calme (prouvé)', repaired: 'réparée', blind: 'aveugle', halted: 'suspendue', absent: 'absente', venue: 'de la place',
  why_blind: "Personne n'écoutait, ou des ids manquent.", why_halted: 'La place était arrêtée.', why_absent: "Aucune bougie n'a été faite.", why_quiet: "Aucune transaction : aucun id ne manque autour.",
  forecastNone: 'Pas encore de prévision', forecastWhy: "Les prévisions paraissent après la clôture d'une heure et l'entraînement d'un modèle.", fan: 'Éventail de prévision', fanHint: 'médiane, p10–p90 et p2,5–p97,5 depuis la dernière clôture', coverage: "Part des résultats dans l'intervalle", skill: 'Gain face au dernier prix, par horizon', skillHint: 'au-dessus de 0 le modèle fait mieux que ne rien faire', champion: 'Champion', horizon: 'Horizon', scored: 'Prévisions notées', issued: 'Émise', nominal: 'nominal', model: 'Modèle', history: "Prévisions jusqu'ici", target: 'Cible', median: 'Médiane', interval80: 'Intervalle 80 %', interval95: 'Intervalle 95 %', scoresNone: 'Pas encore de notes', scoresWhy: 'Une prévision est notée quand son heure est venue.', hours: 'h',
  proven: 'Minutes prouvées', provenHint: 'échangées ou calmes, des {0} dernières h', blindMinutes: 'Minutes aveugles', gapsCount: 'Trous', reconciled: 'Heures égales à la place', heat: 'Statut de chaque heure', heatHint: 'une case par heure, couleurs selon les minutes', gaps: 'Trous', gapsNone: 'Aucun trou', gapsWhy: 'Chaque minute est échangée ou prouvée calme.', start: 'Début', end: 'Fin', minutes: 'Minutes', cause: 'Cause', fate: 'Suite', symbol: 'Marché', recon: 'Nos bougies face à celles de la place', reconHint: 'chaque champ comparé, au dernier chiffre', reconNone: 'Rien à comparer encore', reconWhy: "La place publie une bougie quand son heure est close.", equal: 'égale', differs: 'diffère', hour: 'Heure', differing: 'Champs différents', residual: 'Résidu de volume', dayRange: '24 h', weekRange: '7 j',
  services: 'Services', service: 'Service', state: 'État', port: 'Port', answered: 'Réponse en', detail: 'Détail', topics: 'Topics', topic: 'Topic', partitions: 'Partitions', rows: 'Lignes', lag: 'Dernier enregistrement', tables: 'Tables du lac', files: 'Fichiers', sizeBytes: 'Taille', lastCommit: 'Dernier commit', throughput: 'Enregistrements par seconde', clients: 'Clients du flux', cacheSize: 'Bougies en mémoire', venueLag: "Âge à l'arrivée", links: 'Leurs propres pages', refused: 'Refusés', api: "Référence de l'API",
  ready: 'prêt', down: 'arrêté', unready: 'pas prêt',
  alertsNone: "Aucune alerte n'a été émise", alertsWhy: 'Les règles et leurs envois paraissent ici.', fired: 'Émise', rule: 'Règle', message: 'Message', severity: 'Gravité',
  about: 'À propos de cette page', keys: 'Clavier', keyTabs: 'onglets', keyIntervals: 'intervalles', keyMarkets: 'marché suivant et précédent', keyTheme: 'clair ou sombre', keyPalette: 'palette pour daltoniens', keyHelp: 'cette boîte', close: 'Fermer', attribution: 'Graphiques : TradingView Lightweight Charts™, Copyright (c) 2026 TradingView, Inc., licence Apache 2.0.', finalDiffers: 'La bougie finale de {0} diffère du direct : {1}',
}

/** The language in use. */
export const language = () => (document.documentElement.lang === 'fr' ? 'fr' : 'en')
/** A word or sentence, its places filled. @param {string} key @param {...any} values */
export function t(key, ...values) {
  const text = (language() === 'fr' ? FR[key] : EN[key]) ?? EN[key] ?? key
  return text.replace(/\{(\d)\}/g, (_, n) => values[Number(n)] ?? '')
}
/** Say everything below an element that names its key. @param {ParentNode} root */
export function translate(root = document) {
  for (const one of root.querySelectorAll('[data-t]')) one.textContent = t(one.dataset.t)
  for (const one of root.querySelectorAll('[data-label]')) { one.title = t(one.dataset.label); one.setAttribute('aria-label', one.title) }
}
