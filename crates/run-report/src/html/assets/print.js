// On paper nothing can be opened: what is folded away is shown while the page is printed.

{
  const opened = new Set();
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open])")) {
      opened.add(part);
      part.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
    opened.clear();
  });
}
