// Before the first paint: the theme and palette chosen last, so that nothing flashes.
(() => {
  const root = document.documentElement
  let kept = {}
  try { kept = JSON.parse(localStorage.getItem('cryptoviz') || '{}') } catch { kept = {} }
  root.dataset.theme = ['light', 'dark'].includes(kept.theme) ? kept.theme : 'auto'
  root.dataset.palette = kept.palette === 'safe' ? 'safe' : 'classic'
  root.lang = kept.language === 'fr' ? 'fr' : 'en'
})()
