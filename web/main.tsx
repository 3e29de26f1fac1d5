import { render } from "preact";
import { App } from "./app.js";
import { Page } from "./views/page.js";

const app = new App();
const root = document.getElementById("app") as HTMLElement;
const draw = (): void => render(<Page app={app} />, root);
app.onChange(draw);
draw();
addEventListener("pagehide", () => app.logOut());
