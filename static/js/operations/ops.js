// Starts the operators' page.

import { Figures } from "./figures.js";

const element = document.querySelector("[data-ops]");
if (element) new Figures(element).start();
