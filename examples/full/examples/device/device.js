const form = document.forms[0], target = form.elements.target;
const measured = document.getElementById('measured'), state = document.getElementById('state');

function listen() {
    const events = new EventSource('/values');
    events.onopen = () => state.textContent = 'Live';
    events.onerror = () => {
        state.textContent = 'Not connected, trying again';
        measured.className = 'stale';
        // After a lost connection the browser reconnects by itself; after an error page it does not.
        if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    };
    events.onmessage = event => {
        const values = JSON.parse(event.data);
        measured.className = '';
        measured.value = values.measured.toFixed(1);
        document.querySelector('meter').value = values.measured;
        // Not while the user is typing.
        if (document.activeElement !== target) target.value = values.target;
    };
}
listen();

form.onsubmit = async event => {
    event.preventDefault();
    target.blur();
    const body = new URLSearchParams(new FormData(form));
    const response = await fetch('/target', { method: 'POST', body }).catch(() => null);
    state.textContent = response?.ok ? 'Set' : 'Not set';
};
