console.log('demo', process.argv.slice(2));
