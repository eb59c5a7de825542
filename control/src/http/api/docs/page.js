// The page works without this; with it, commands name this very service, can be copied, and operations be found.
"use strict";
for (const code of document.querySelectorAll("pre.command code")) {
  code.textContent = code.textContent.replace("http://127.0.0.1:8080", location.origin);
}
for (const pre of document.querySelectorAll("pre.command")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  pre.append(button);
}
const find = document.getElementById("find");
find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (element) => words.every((word) => element.textContent.toLowerCase().includes(word));
  for (const item of document.querySelectorAll("nav li")) {
    const article = document.getElementById(item.querySelector("a").hash.slice(1));
    const shown = fits(article);
    item.hidden = article.hidden = !shown;
  }
  for (const section of document.querySelectorAll("main > section")) {
    const articles = [...section.querySelectorAll("article.operation")];
    section.hidden = words.length > 0 && (articles.length ? articles.every((article) => article.hidden) : true);
  }
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
