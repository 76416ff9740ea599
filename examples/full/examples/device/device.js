const form = document.forms[0], state = document.getElementById('state');
const events = new EventSource('/values');
events.onopen = () => state.textContent = 'live';
events.onerror = () => state.textContent = 'connecting';
events.onmessage = event => {
    const values = JSON.parse(event.data);
    document.getElementById('measured').value = values.measured.toFixed(1);
    document.querySelector('meter').value = values.measured;
    // Not while the user is typing.
    if (document.activeElement !== form.target) form.target.value = values.target;
};
form.onsubmit = event => {
    event.preventDefault();
    fetch('/target', { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    form.target.blur();
};
