/**
 * The page at `/docs`: the OpenAPI document as text. Scalar's page loads its script from a CDN and its package does not
 * carry it, so a server without a way to the internet would show nothing; this one needs neither network nor script.
 */
import { html, raw } from 'hono/html';
import { schemaText } from './docs-schema.ts';
import type { OpenApiDocument } from './openapi.ts';

type PathItem = NonNullable<OpenApiDocument['paths']>[string];
type Operation = NonNullable<PathItem['get']>;
type Html = ReturnType<typeof html>;

const METHODS = ['get', 'post', 'patch', 'delete'] as const;

/** The page for `document`, complete in itself. */
export function docsPage(document: OpenApiDocument): Html {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => (item[method] ? [{ method, path, operation: item[method] }] : [])),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags ?? []))];
  const schemas = Object.entries(document.components?.schemas ?? {});
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${document.info.title} API</title>
<style>${raw(STYLE)}</style></head>
<body>
<header><h1>${document.info.title} API <small>${document.info.version}</small></h1>
${prose(document.info.description)}
<p>For tools: <a href="/openapi.json">/openapi.json</a>.</p></header>
<nav>${tags.map(
    (tag) =>
      html`<h2>${tag}</h2><ul>${operations
        .filter(({ operation }) => operation.tags?.includes(tag))
        .map(
          ({ method, path, operation }) =>
            html`<li><a href="#${operation.operationId}"><b>${method.toUpperCase()}</b> ${path}</a> ${operation.summary}</li>`,
        )}</ul>`,
  )}</nav>
<main>${operations.map(({ method, path, operation }) => section(method, path, operation))}
<h2>Schemas</h2>
${schemas.map(([name, schema]) => html`<article id="schema-${name}"><h3>${name}</h3>${code(schema)}</article>`)}
</main></body></html>`;
}

function section(method: string, path: string, operation: Operation): Html {
  const parameters = (operation.parameters ?? []).flatMap((it) => ('$ref' in it ? [] : [it]));
  const body = operation.requestBody && 'content' in operation.requestBody ? operation.requestBody : undefined;
  return html`<article id="${operation.operationId}">
<h3><b class="${method}">${method.toUpperCase()}</b> ${path}</h3>
<p><strong>${operation.summary}</strong></p>${prose(operation.description)}
${
  parameters.length > 0 &&
  html`<table><caption>Parameters</caption>${parameters.map(
    (it) =>
      html`<tr><td><code>${it.name}</code></td><td>${it.in}${it.required ? ', required' : ''}</td>
<td><code>${schemaText(it.schema ?? {})}</code></td><td>${it.description ?? descriptionOf(it.schema)}</td></tr>`,
  )}</table>`
}
${body && html`<h4>Body${body.required ? '' : ' (may be empty)'}</h4>${code(body.content['application/json']?.schema)}`}
<h4>Answers</h4>${Object.entries<object>(operation.responses ?? {}).map(([status, answer]) => answerText(status, answer))}
</article>`;
}

type Answer = { description?: string; content?: Record<string, { schema?: object }> };

function answerText(status: string, answer: Answer): Html {
  const isError = Number(status) >= 400;
  return html`<div class="${isError ? 'error' : 'ok'}"><b>${status}</b> ${answer.description}
${isError ? '' : Object.entries(answer.content ?? {}).map(([type, { schema }]) => html`<div>${type}</div>${code(schema)}`)}</div>`;
}

function code(schema: object | undefined): Html {
  return html`<pre>${schemaText(schema ?? {})}</pre>`;
}

function descriptionOf(schema: object | undefined): string {
  return schema && 'description' in schema ? String(schema.description) : '';
}

/** Markdown as it was written, its lines kept. */
function prose(text: string | undefined): Html | string {
  return text === undefined ? '' : html`<p class="prose">${text}</p>`;
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 0 auto; padding: 1rem }
article { border-top: 1px solid #8886; margin-top: 1.5rem; padding-top: .5rem }
h3 { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
h3 b { padding: 0 .4rem; border-radius: .3rem; background: #8883 }
pre { background: #8882; padding: .6rem; border-radius: .3rem; overflow-x: auto; font-size: .85rem }
.prose { white-space: pre-line }
table { border-collapse: collapse; width: 100% } caption { text-align: left; font-weight: bold }
td { border-top: 1px solid #8883; padding: .2rem .5rem .2rem 0; vertical-align: top }
nav ul { list-style: none; padding: 0 } nav b { display: inline-block; width: 4.5rem }
.error { font-size: .9rem; opacity: .8 }
small { opacity: .6; font-weight: normal }
`;
