"use strict";
const filter = document.getElementById("filter");
filter.addEventListener("input", () => {
  const wanted = filter.value.toLowerCase();
  for (const item of document.querySelectorAll("nav li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  for (const list of document.querySelectorAll("nav ul")) {
    const empty = !list.querySelector("li:not([hidden])");
    list.hidden = list.previousElementSibling.hidden = empty;
  }
});

function address(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("input")) {
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    if (input.dataset.in === "query" && input.value) query.append(input.name, input.value);
  }
  const prefix = document.getElementById("main").dataset.prefix.replace(/\/$/, "");
  return prefix + path + (query.size ? `?${query}` : "");
}

function headers(form, body) {
  const all = new Headers();
  const [name, ...rest] = document.getElementById("credential").value.split(":");
  if (rest.length) all.set(name.trim(), rest.join(":").trim());
  for (const input of form.querySelectorAll('input[data-in="header"]')) if (input.value) all.set(input.name, input.value);
  if (body && body.value) all.set("Content-Type", body.dataset.type);
  return all;
}

async function shown(answer) {
  const text = await answer.text();
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const output = form.querySelector(".answer");
  const body = form.querySelector("textarea");
  output.hidden = false;
  try {
    const request = { method: form.dataset.method, headers: headers(form, body) };
    if (body && body.value) request.body = body.value;
    const answer = await fetch(address(form), request);
    output.textContent = `${answer.status} ${answer.statusText}\n\n${await shown(answer)}`;
  } catch (error) {
    output.textContent = String(error);
  }
});
