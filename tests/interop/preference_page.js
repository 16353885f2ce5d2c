// Opens a preference page in Chromium, without JavaScript, as its recipient would.
//
//   node preference_page.js URL CATEGORY [SCREENSHOTS]
//
//   CATEGORY     the name on the label of the choice that is switched
//   SCREENSHOTS  a folder that gets pictures of every step, wide and narrow
//
// Prints what a user of a screen reader would be told, then switches the choice, saves, and prints
// the page that answers. Everything is found by role and name alone.
"use strict";

const { chromium } = require("playwright-core");

async function tell(page, step, screenshots) {
  console.log(`${step} title: ${await page.title()}`);
  console.log(`${step} lang: ${await page.locator("html").getAttribute("lang")}`);
  for (const role of ["main", "heading", "status", "group", "checkbox", "button"]) {
    for (const element of await page.getByRole(role).all()) {
      const tree = await element.ariaSnapshot();
      console.log(`${step} ${role}: ${tree.split("\n")[0]}`);
    }
  }
  const wider = await page.locator("html").evaluate((html) => html.scrollWidth > html.clientWidth);
  console.log(`${step} scrolls sideways: ${wider}`);
  if (!screenshots) return;
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: `${screenshots}/${step}-${width}.png`, fullPage: true });
  }
}

async function main([url, category, screenshots]) {
  // No sandbox: it needs user namespaces, which containers and root do not have.
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const context = await browser.newContext({
    javaScriptEnabled: false,
    viewport: { width: 360, height: 800 },
  });
  const page = await context.newPage();
  page.on("console", (message) => console.log(`complaint: ${message.text()}`));
  page.on("requestfailed", (request) => console.log(`complaint: ${request.url()}`));
  await page.goto(url);
  await tell(page, "shown", screenshots);
  await page.getByRole("checkbox", { name: category, exact: true }).click();
  await page.getByRole("button", { name: "Save my choice" }).click();
  await tell(page, "saved", screenshots);
  await browser.close();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
