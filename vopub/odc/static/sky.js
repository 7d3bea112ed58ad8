// Shows the events of a resource and its coverage in Aladin Lite.
const place = document.getElementById("sky");
const state = document.getElementById("sky-state");
const MOST = 200000;

// A line of CSV as fields; a field in quotes may hold commas and, doubled, quotes.
function fields(line) {
  const found = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return [...found].map(one => one[1] === undefined ? one[2] : one[1].replaceAll('""', '"'));
}

function rows(text) {
  const [head, ...lines] = text.split(/\r?\n/).filter(line => line);
  const names = fields(head);
  return lines.slice(0, MOST).map(line => {
    const values = fields(line);
    return Object.fromEntries(names.map((name, at) => [name, values[at]]));
  });
}

async function fromTable(A, catalog) {
  const answer = await fetch(place.dataset.table);
  if (!answer.ok) throw new Error(`the table: HTTP ${answer.status}`);
  const events = rows(await answer.text()).filter(row => row.ra !== "" && row.dec !== "");
  catalog.addSources(events.map(row => A.source(Number(row.ra), Number(row.dec), row)));
  return events.length;
}

function fromCone(A, sky, look) {
  return new Promise((done, failed) => {
    const catalog = A.catalogFromURL(
      place.dataset.cone, look, () => done(catalog.getSources().length), failed, false);
    sky.addCatalog(catalog);
  });
}

// Aladin Lite says what its controls are for in hints that only a mouse brings up; so they have names.
function nameControls() {
  for (const hint of place.querySelectorAll(".aladin-tooltip-container")) {
    const said = hint.querySelector(".aladin-tooltip")?.textContent.trim();
    const button = hint.querySelector("button");
    if (said && button && !button.textContent.trim()) button.ariaLabel = said;
  }
  for (const frame of place.querySelectorAll("select[name=cooFrame]")) frame.ariaLabel = "Coordinate frame";
  for (const icon of place.querySelectorAll("img:not([alt])")) icon.alt = "";
}

async function show() {
  const A = (await import("/aladin-lite/aladin.js")).default;
  await A.init;
  const sky = A.aladin("#sky", {
    survey: place.dataset.survey || new URL("/static/no-sky", location).href, log: false, fov: 360, target: "180 0", projection: "AIT",
    cooFrame: "ICRS", showCooGrid: true,
    gridOptions: {color: "#8fa6b3", opacity: 0.5, showLabels: place.clientWidth > 600}, showReticle: false, showLayersControl: false,
    showSimbadPointerControl: false, showShareControl: false, showContextMenu: false,
  });
  nameControls();
  new MutationObserver(nameControls).observe(place, {childList: true, subtree: true});
  if (place.dataset.moc) {
    sky.addMOC(A.MOCFromJSON(
      JSON.parse(place.dataset.moc), {color: "#4477aa", fill: true, opacity: 0.25, name: "Coverage"}));
  }
  const look = {name: "Events", sourceSize: 9, color: "#dd3333", onClick: "showTable"};
  let count;
  if (place.dataset.table) {
    const catalog = A.catalog(look);
    sky.addCatalog(catalog);
    count = await fromTable(A, catalog);
  } else {
    count = await fromCone(A, sky, look);
  }
  state.textContent = `${count} events.`;
}

state.textContent = "Loading …";
show().catch(error => { state.textContent = `The view cannot be shown: ${error}`; });
