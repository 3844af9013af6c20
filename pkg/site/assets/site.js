'use strict';
(() => {
	const byID = id => document.getElementById(id);
	document.documentElement.classList.add('js');

	// Days come after a page was made.
	const now = new Date();
	const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map(n => String(n).padStart(2, '0')).join('-');
	for (const e of document.querySelectorAll('[data-ends]')) {
		if (e.dataset.ends > today) continue;
		e.classList.add('ended');
		if (e.localName === 'span') e.textContent = 'end of life since ' + e.dataset.ends;
		const row = e.closest('li[data-state]');
		if (row) row.dataset.state = 'ended';
	}
	const line = document.querySelector('svg.line');
	if (line && line.dataset.from < today && today < line.dataset.to) {
		const at = day => Date.parse(day), left = +line.dataset.left, right = +line.dataset.right;
		const x = left + (right - left) * (at(today) - at(line.dataset.from)) / (at(line.dataset.to) - at(line.dataset.from));
		const mark = line.querySelector('.today');
		mark.setAttribute('x1', x);
		mark.setAttribute('x2', x);
		mark.removeAttribute('visibility');
	}

	// A list shows what has all words, and what the choices say.
	const filter = (form, rows, matches) => {
		if (!form) return;
		const found = byID('found'), none = byID('none'), input = form.querySelector('input');
		let texts;
		const apply = () => {
			texts ??= rows.map(row => row.textContent.toLowerCase());
			const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
			let shown = 0;
			rows.forEach((row, i) => {
				const show = words.every(word => texts[i].includes(word)) && matches(row);
				if (row.hidden === show) row.hidden = !show;
				if (show) shown++;
			});
			found.textContent = shown + ' of ' + rows.length;
			none.hidden = shown > 0;
		};
		form.addEventListener('input', apply);
		form.addEventListener('change', apply);
		form.addEventListener('reset', () => setTimeout(() => { apply(); input.focus(); }));
		form.addEventListener('submit', event => event.preventDefault());
		addEventListener('pageshow', () => { // browsers bring back what was typed
			if ([...form.elements].some(e => e.value)) apply();
		});
	};
	const value = id => byID(id).value;
	filter(byID('filters'), [...document.querySelectorAll('#images > li')], row =>
		(!value('runtime') || row.dataset.runtime === value('runtime')) &&
		(!value('state') || row.dataset.state === value('state')) &&
		(!value('platform') || [...row.querySelectorAll('.platforms span')].some(e => e.textContent === value('platform'))));
	filter(byID('packages'), [...document.querySelectorAll('#rows > tbody > tr')], () => true);

	const copy = async text => {
		try {
			await navigator.clipboard.writeText(text);
		} catch { // not allowed, or not there
			const area = document.createElement('textarea');
			area.value = text;
			area.className = 'quiet';
			document.body.append(area);
			const before = document.activeElement;
			area.select();
			const done = document.execCommand('copy');
			area.remove();
			before.focus();
			if (!done) throw new Error('cannot copy');
		}
	};
	document.addEventListener('click', async event => {
		const button = event.target.closest('button.copy');
		if (!button) return;
		try {
			await copy(button.value);
			byID('said').textContent = 'Copied ' + button.value;
			button.classList.add('copied');
			setTimeout(() => button.classList.remove('copied'), 1500);
		} catch {
			byID('said').textContent = 'Copying is not allowed here';
		}
	});
})();
