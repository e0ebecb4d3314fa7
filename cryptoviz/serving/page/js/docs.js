// The reference of the API, from the description the server gives of itself; nothing is asked of anybody else.
window.SwaggerUIBundle({
  url: '/openapi.json', dom_id: '#reference', deepLinking: true, validatorUrl: null, displayRequestDuration: true,
  docExpansion: 'list', defaultModelsExpandDepth: -1,
})
