// A figure with data-zoom gets a plot that zooms, of the numbers in the block that it names.
// Without script the drawing on the server and its table are all there is, and hold the same.
(() => {
  "use strict";
  const DASHES = [[], [9, 5], [2, 4], [9, 4, 2, 4]]; // those of portal/charts/palette.py
  const HEIGHT = 320;
  const STEP = 0.5; // of what is shown: by how much buttons zoom and move

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--chart-${name}`).trim();

  // The day and the period, from 1, of an interval counted from 0 over all days.
  const momentsOf = (days) => {
    const starts = [];
    let start = 0;
    for (const [, count] of days) {
      starts.push(start);
      start += count;
    }
    return (at) => {
      let day = starts.length - 1;
      while (day > 0 && starts[day] > at) day -= 1;
      return { day: days[day][0], period: at - starts[day] + 1 };
    };
  };

  const plotOf = (zoom, told, width) => {
    const moment = momentsOf(told.days);
    const count = told.series[0].micro.length;
    const money = (value) =>
      value.toLocaleString("en-GB", { maximumFractionDigits: 2, minimumFractionDigits: 2 });
    const axis = () => ({
      stroke: () => colour("words"),
      grid: { stroke: () => colour("rule"), width: 1 },
      ticks: { stroke: () => colour("rule"), width: 1 },
      font: "12px sans-serif",
    });
    const options = {
      width,
      height: HEIGHT,
      scales: { x: { time: false } },
      cursor: { drag: { x: true, y: false } },
      axes: [
        {
          ...axis(),
          space: 90,
          values: (_, splits) =>
            splits.map((at) => {
              if (at < 0 || at >= count || at % 1) return "";
              const { day, period } = moment(at);
              return period === 1 ? day : `${day} / ${period}`;
            }),
        },
        { ...axis(), size: 70, values: (_, splits) => splits.map((at) => at.toLocaleString("en-GB")) },
      ],
      series: [
        {
          label: told.moment,
          value: (_, at) => {
            if (at === null || at === undefined) return "–";
            const { day, period } = moment(at);
            return `${day}, period ${period}`;
          },
        },
        ...told.series.map((each, number) => ({
          label: `${each.name}, ${told.unit}`,
          stroke: () => colour(number + 1),
          dash: DASHES[number],
          width: 1.5,
          paths: uPlot.paths.stepped({ align: 1 }),
          points: { show: false },
          value: (_, value) => (value === null || value === undefined ? "–" : money(value)),
        })),
      ],
    };
    const positions = Array.from({ length: count }, (_, at) => at);
    // Here alone an amount is a fraction: to be looked at, and never reckoned with.
    const values = told.series.map((each) => each.micro.map((micro) => micro / 1e6));
    return new uPlot(options, [positions, ...values], zoom);
  };

  const buttonsFor = (plot, count) => {
    const show = (min, max) => {
      const width = Math.min(max - min, count - 1);
      const start = Math.max(0, Math.min(min, count - 1 - width));
      plot.setScale("x", { min: start, max: start + width });
    };
    const acts = {
      "Zoom in": ({ min, max }, part) => show(min + part / 2, max - part / 2),
      "Zoom out": ({ min, max }, part) => show(min - part, max + part),
      Earlier: ({ min, max }, part) => show(min - part, max - part),
      Later: ({ min, max }, part) => show(min + part, max + part),
      All: () => show(0, count - 1),
    };
    const row = document.createElement("p");
    row.className = "actions";
    for (const [words, act] of Object.entries(acts)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = words;
      button.addEventListener("click", () => {
        const { min, max } = plot.scales.x;
        act({ min, max }, (max - min) * STEP);
      });
      row.append(button);
    }
    return row;
  };

  for (const zoom of document.querySelectorAll("[data-zoom]")) {
    const told = JSON.parse(document.getElementById(zoom.dataset.zoom).textContent);
    zoom.hidden = false;
    const room = () => Math.max(zoom.clientWidth, 240);
    const plot = plotOf(zoom, told, room());
    zoom.querySelector(".hint").after(buttonsFor(plot, told.series[0].micro.length));
    window.addEventListener("resize", () => plot.setSize({ width: room(), height: HEIGHT }));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
  }
})();
