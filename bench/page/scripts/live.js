/* A page that is shown while its run goes on looks for news. */
if (content.live) {
  const look = async () => {
    try {
      const answer = await fetch("status.json", { cache: "no-store" });
      const status = await answer.json();
      const line = $("live");
      line.hidden = false;
      fill(line, status.lines.flatMap((text, at) => at ? [make("br"), named(text)] : [named(text)]));
      if (status.version !== content.live && !document.querySelector("dialog[open]")) { sessionStorage.setItem("place", String(window.scrollY)); location.reload(); return; }
    } catch { $("live").hidden = false; $("live").textContent = "The server has stopped; what is shown stays as it is."; }
    setTimeout(look, 2000);
  };
  const place = sessionStorage.getItem("place");
  if (place) { window.scrollTo(0, Number(place)); sessionStorage.removeItem("place"); }
  look();
}
